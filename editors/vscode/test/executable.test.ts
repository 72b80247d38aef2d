import { describe, expect, it } from 'vitest';
import { findProgram, NOT_INSTALLED, onPath, programIn, type Places } from '../src/executable';

function places(programs: string[], change: Partial<Places> = {}): Places {
  return {
    setting: '', environment: '/own/server', pathVariable: '/usr/bin:/opt/bin', home: '/own/home', platform: 'linux',
    isProgram: (file) => programs.includes(file), ...change,
  };
}

describe('findProgram', () => {
  const all = ['/set/edgewise', '/own/server/bin/edgewise', '/usr/bin/edgewise', '/opt/bin/edgewise'];

  it('takes the setting first', () =>
    expect(findProgram(places(all, { setting: '/set/edgewise' }))).toEqual({ program: '/set/edgewise' }));
  it('then its own environment', () => expect(findProgram(places(all))).toEqual({ program: '/own/server/bin/edgewise' }));
  it('then PATH, in its order', () =>
    expect(findProgram(places(all.slice(2)))).toEqual({ program: '/usr/bin/edgewise' }));
  it('knows the home folder', () =>
    expect(findProgram(places(['/own/home/x'], { setting: '~/x' }))).toEqual({ program: '/own/home/x' }));
  it('says when there is none', () => expect(findProgram(places([]))).toEqual({ problem: NOT_INSTALLED }));

  it.each(['edgewise', './edgewise', '../bin/edgewise'])('refuses the relative setting %s', (setting) => {
    expect(findProgram(places([setting, ...all], { setting }))).toHaveProperty('problem', expect.stringContaining('absolute'));
  });
  it('does not fall back silently from a setting that is wrong', () =>
    expect(findProgram(places(all, { setting: '/gone' }))).toHaveProperty('problem', expect.stringContaining('/gone')));
});

describe('onPath', () => {
  it('leaves relative folders out, which would be the workspace', () =>
    expect(onPath('edgewise', places([], { pathVariable: '.:/a::bin' }))).toEqual(['/a/edgewise']));
  it('knows Windows', () => {
    const windows = { pathVariable: 'C:\\a;b', platform: 'win32' } as const;
    expect(onPath('edgewise', windows)).toEqual(['C:\\a\\edgewise.exe']);
    expect(programIn('C:\\env', 'win32')).toBe('C:\\env\\Scripts\\edgewise.exe');
  });
});
