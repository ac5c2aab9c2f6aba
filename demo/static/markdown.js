// Discord's markdown, as far as bots use it, as elements.

import { h } from './dom.js';

const INLINE = [
  [/^```(?:([a-z0-9+-]+)\n)?([\s\S]+?)```/i, (m) => h('pre', {}, h('code', {}, m[2].replace(/\n$/, '')))],
  [/^`([^`]+)`/, (m) => h('code', {}, m[1])],
  [/^\\([^A-Za-z0-9\s])/, (m) => m[1]],
  [/^\*\*\*([\s\S]+?)\*\*\*/, (m, say) => h('strong', {}, h('em', {}, say(m[1])))],
  [/^\*\*([\s\S]+?)\*\*(?!\*)/, (m, say) => h('strong', {}, say(m[1]))],
  [/^__([\s\S]+?)__/, (m, say) => h('u', {}, say(m[1]))],
  [/^\*(?!\s)([\s\S]+?)\*/, (m, say) => h('em', {}, say(m[1]))],
  [/^_(?!\s)([\s\S]+?)_(?![A-Za-z0-9])/, (m, say) => h('em', {}, say(m[1]))],
  [/^~~([\s\S]+?)~~/, (m, say) => h('s', {}, say(m[1]))],
  [/^\|\|([\s\S]+?)\|\|/, (m, say) => h('span', { class: 'spoiler-text', tabindex: 0, role: 'button', 'aria-label': 'Spoiler' }, say(m[1]))],
  [/^\[([^\]]+)\]\(<?(https?:\/\/[^\s)>]+)>?\)/, (m, say, world) => anchor(m[2], say(m[1]), world)],
  [/^<(https?:\/\/[^\s>]+)>/, (m, say, world) => anchor(m[1], [m[1]], world)],
  [/^https?:\/\/[^\s<]*[^\s<.,:;"')\]]/, (m, say, world) => anchor(m[0], [m[0]], world)],
  [/^<t:(-?\d+)(?::([tTdDfFR]))?>/, (m) => timestamp(Number(m[1]), m[2] ?? 'f')],
  [/^<@!?(\d+)>/, (m, say, world) => h('span', { class: `mention${m[1] === world.viewer ? ' mention-me' : ''}` }, `@${world.people[m[1]] ?? 'unknown'}`)],
  [/^<@&(\d+)>/, (m, say, world) => h('span', { class: 'mention' }, `@${world.roles.find((role) => role.id === m[1])?.name ?? 'unknown-role'}`)],
  [/^<#(\d+)>/, (m, say, world) => h('button', { class: 'mention mention-channel', type: 'button', data: { go: m[1] } }, `#${world.placeName(m[1]) ?? 'unknown'}`)],
  [/^<a?:(\w+):\d+>/, (m) => `:${m[1]}:`],
];

function anchor(address, children, world) {
  const place = address.match(/^https:\/\/(?:\w+\.)?discord(?:app)?\.com\/channels\/(?:\d+|@me)\/(\d+)(?:\/(\d+))?/);
  if (place && world.placeName(place[1]) !== undefined) {
    const bare = children.length === 1 && children[0] === address;
    return h('button', { class: bare ? 'mention mention-channel' : 'jump', type: 'button', data: { go: place[1], message: place[2] ?? '' } }, bare ? `#${world.placeName(place[1])}` : children);
  }
  return h('a', { href: address, target: '_blank', rel: 'noopener noreferrer' }, children);
}

export function inline(text, world) {
  const say = (inner) => inline(inner, world);
  const out = [];
  let plain = '';
  let rest = text;
  while (rest) {
    let found = null;
    // A word's own underscores are no emphasis.
    const inWord = /[A-Za-z0-9]$/.test(plain);
    for (const [pattern, make] of INLINE) {
      if (inWord && rest[0] === '_') break;
      const match = rest.match(pattern);
      if (match) { found = [match, make]; break; }
    }
    if (found) {
      if (plain) out.push(plain);
      plain = '';
      out.push(found[1](found[0], say, world));
      rest = rest.slice(found[0][0].length);
      if (out.at(-1) instanceof Array) out.push(...out.pop());
    } else {
      plain += rest[0];
      rest = rest.slice(1);
    }
  }
  if (plain) out.push(plain);
  return out;
}

// Lines that begin in a special way; everything else is text with its line breaks.
const BLOCKS = [
  [/^(#{1,3}) (.+)$/, (m, world) => h(`h${m[1].length + 2}`, { class: `heading-${m[1].length}` }, inline(m[2], world))],
  [/^-# (.+)$/, (m, world) => h('small', { class: 'subtext' }, inline(m[1], world))],
  [/^> (.*)$/, (m, world) => h('blockquote', {}, inline(m[1], world))],
  [/^( *)[-*] (.+)$/, (m, world) => h('div', { class: 'item', style: { '--depth': String(Math.floor(m[1].length / 2)) } }, inline(m[2], world))],
  [/^(\d+)\. (.+)$/, (m, world) => h('div', { class: 'item item-number', data: { number: `${m[1]}.` } }, inline(m[2], world))],
];

export function markdown(text, world) {
  const box = h('div', { class: 'markdown' });
  let waiting = [];
  const flush = () => {
    if (waiting.length) box.append(h('div', { class: 'text' }, inline(waiting.join('\n'), world)));
    waiting = [];
  };
  let fenced = false;
  for (const line of text.split('\n')) {
    const block = fenced ? null : BLOCKS.map(([pattern, make]) => [line.match(pattern), make]).find(([match]) => match);
    if ((line.match(/```/g) ?? []).length % 2) fenced = !fenced;
    if (block) { flush(); box.append(block[1](block[0], world)); } else waiting.push(line);
  }
  flush();
  return box;
}

// ── time ───────────────────────────────────────────────────────────────────────────────────────

const FORMATS = {
  t: { timeStyle: 'short' }, T: { timeStyle: 'medium' }, d: { dateStyle: 'short' }, D: { dateStyle: 'long' },
  f: { dateStyle: 'long', timeStyle: 'short' }, F: { dateStyle: 'full', timeStyle: 'short' },
};
const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const UNITS = [['year', 31536000], ['month', 2592000], ['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];

function relative(seconds) {
  const away = seconds - Date.now() / 1000;
  const [unit, length] = UNITS.find(([, each]) => Math.abs(away) >= each) ?? UNITS.at(-1);
  return RELATIVE.format(Math.round(away / length), unit);
}

export function timestamp(seconds, style) {
  const date = new Date(seconds * 1000);
  const text = style === 'R' ? relative(seconds) : new Intl.DateTimeFormat('en', FORMATS[style]).format(date);
  const full = new Intl.DateTimeFormat('en', FORMATS.F).format(date);
  return h('time', { class: 'stamp', datetime: date.toISOString(), title: full, data: style === 'R' ? { relative: seconds } : {} }, text);
}

// Relative times count by themselves, as in Discord.
export function keepCounting() {
  setInterval(() => {
    for (const element of document.querySelectorAll('time[data-relative]')) {
      const text = relative(Number(element.dataset.relative));
      if (element.textContent !== text) element.textContent = text;
    }
  }, 500);
}
