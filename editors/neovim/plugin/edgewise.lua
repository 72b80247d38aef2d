-- What every start of Neovim runs: the check of the version and the command. The rest is loaded when it is used.

if vim.g.loaded_edgewise then
  return
end
vim.g.loaded_edgewise = 1

if vim.fn.has('nvim-0.12') == 0 then
  return require('edgewise.too_old').tell()
end

vim.api.nvim_create_user_command('Edgewise', function(call)
  require('edgewise.commands').run(call)
end, {
  nargs = '*',
  range = true,
  desc = 'edgewise: explain, status, pause and more',
  complete = function(lead, line)
    return require('edgewise.commands').complete(lead, line)
  end,
})
