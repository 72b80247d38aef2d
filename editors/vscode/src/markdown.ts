/**
 * Markdown as safe HTML, and what its links mean. Pure.
 *
 * The text holds names and docstrings of a workspace that nobody vouches for: HTML in it is shown, never obeyed.
 */
import MarkdownIt from 'markdown-it';

const renderer = new MarkdownIt({ html: false, linkify: false });
renderer.disable('image');

export function toHtml(markdown: string): string {
  return renderer.render(markdown);
}

export interface Link {
  /** As the server wrote it: relative to the workspace folder, or absolute for a file outside of one. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
}

/** `src/money.py#L19`; anything with a scheme, a host or without a path is no place in a file. */
export function parseLink(href: string): Link | undefined {
  const match = /^([^#?]+)(?:#L(\d+))?$/.exec(href);
  if (match?.[1] === undefined || /^[a-z][a-z0-9+.-]+:|^\/\//i.test(href)) {
    return undefined;
  }
  try {
    return { path: decodeURIComponent(match[1]), line: Math.max(1, Number(match[2] ?? 1)) };
  } catch {
    return undefined;
  }
}
