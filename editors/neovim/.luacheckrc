std = 'luajit'
read_globals = { 'vim' }
globals = { 'vim.b', 'vim.bo', 'vim.env', 'vim.g', 'vim.o', 'vim.opt', 'vim.wo', 'vim.notify', 'vim.ui' }
max_line_length = 115
files['tests'] = { read_globals = { 'describe', 'it', 'equal' }, globals = { '_G' } }
