// One message as an element.

import { h, icon } from './dom.js';
import { inline, markdown } from './markdown.js';
import { attachment, component, isPlayed, unsupported } from './components.js';

const COLOURS = ['#5865f2', '#eb459e', '#3ba55c', '#f0a232', '#ed4245', '#2bb3ff', '#9b59b6', '#1abc9c'];
const GROUP_MS = 7 * 60 * 1000;

export function avatar(id, world, extra = '') {
  if (id === world.bot) return h('span', { class: `avatar avatar-bot ${extra}`, 'aria-hidden': 'true' });
  const name = world.people[id] ?? '?';
  const colour = COLOURS[[...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % COLOURS.length];
  return h('span', { class: `avatar ${extra}`, style: { background: colour }, 'aria-hidden': 'true' }, name[0].toUpperCase());
}

// Whether a message goes on under its predecessor's name.
export function continues(message, previous) {
  return Boolean(previous && !message.command && !message.system && !previous.system && previous.author.id === message.author.id
    && previous.ephemeral === message.ephemeral && message.time - previous.time < GROUP_MS);
}

export function messageElement(message, previous, world) {
  if (message.system) return systemLine(message, world);
  const goesOn = continues(message, previous);
  const classes = ['message', goesOn && 'message-goes-on', message.for_viewer && 'message-for-me', message.ephemeral && 'message-ephemeral', message.command && 'message-answer'];
  return h('li', { class: classes.filter(Boolean).join(' '), id: `m${message.id}`, data: { message: message.id, channel: message.channel } },
    message.command && commandLine(message, world),
    h('div', { class: 'gutter' }, goesOn ? h('time', { class: 'side-time' }, clock(message.time)) : avatar(message.author.id, world)),
    h('div', { class: 'body' }, !goesOn && head(message, world), ...bodyOf(message, world)),
    h('div', { class: 'tools' }, h('button', { class: 'tool', type: 'button', 'aria-label': 'More for this message', 'aria-haspopup': 'menu', data: { menu: message.id } }, icon('more'))));
}

function head(message, world) {
  return h('div', { class: 'head' },
    h('span', { class: `author${message.author.bot ? ' author-bot' : ''}` }, world.people[message.author.id] ?? message.author.name),
    message.author.bot && h('span', { class: 'app-tag', title: 'An app, not a person' }, 'APP'),
    h('time', { class: 'when', datetime: new Date(message.time).toISOString() }, day(message.time)));
}

function* bodyOf(message, world) {
  if (message.loading) yield h('div', { class: 'thinking' }, 'Motion Studio is thinking …');
  if (message.content) yield withEdited(markdown(message.content, world), message);
  for (const embed of message.embeds) yield embedElement(embed, world);
  const referenced = message.components.length && !message.content && !message.embeds.length ? JSON.stringify(message.components) : '';
  const loose = message.attachments.filter((file) => !referenced.includes(file.url));
  // Pictures and videos stand side by side, other files each on a line of their own below them.
  const played = loose.filter(isPlayed);
  if (played.length) yield h('div', { class: `attachments attachments-${Math.min(played.length, 4)}` }, played.map(attachment));
  const files = loose.filter((file) => !isPlayed(file));
  if (files.length) yield h('div', { class: 'attachments' }, files.map(attachment));
  if (message.components.length) yield h('div', { class: 'components' }, message.components.map((part) => component(part, world)));
  if (!message.content && message.edited) yield h('small', { class: 'edited' }, '(edited)');
  if (message.thread) yield threadCard(message.thread, world);
  if (message.ephemeral) yield h('div', { class: 'only-you' }, h('span', { class: 'eye', 'aria-hidden': 'true' }), 'Only you can see this');
}

function withEdited(box, message) {
  if (message.edited) (box.lastElementChild ?? box).append(' ', h('small', { class: 'edited' }, '(edited)'));
  return box;
}

function commandLine(message, world) {
  return h('div', { class: 'command-line' }, h('span', { class: 'spine', 'aria-hidden': 'true' }), avatar(message.command.user, world, 'avatar-small'),
    h('span', { class: 'command-user' }, world.people[message.command.user] ?? 'Someone'), ' used ', h('span', { class: 'command-name' }, `/${message.command.name}`));
}

function systemLine(message, world) {
  return h('li', { class: 'message message-system', id: `m${message.id}`, data: { message: message.id } },
    h('span', { class: 'system-mark', 'aria-hidden': 'true' }, '→'), h('span', {}, h('strong', {}, world.people[message.author.id] ?? ''), ' ', inline(message.content, world)),
    h('time', { class: 'when' }, clock(message.time)));
}

function threadCard(id, world) {
  const thread = world.threads[id];
  if (!thread) return null;
  return h('button', { class: 'thread-card', type: 'button', data: { go: id } },
    h('span', { class: 'thread-card-top' }, h('strong', {}, thread.name), h('span', { class: 'thread-link' }, `${thread.count} ${thread.count === 1 ? 'message' : 'messages'} ›`)),
    h('span', { class: 'thread-last' }, world.lastWords(id)));
}

function embedElement(embed, world) {
  if (embed.type && embed.type !== 'rich') return unsupported('This kind of embed is not part of the demo.');
  return h('div', { class: 'embed', style: embed.color != null ? { '--accent': `#${embed.color.toString(16).padStart(6, '0')}` } : {} },
    embed.author && h('div', { class: 'embed-author' }, embed.author.name),
    embed.title && h('div', { class: 'embed-title' }, inline(embed.title, world)),
    embed.description && markdown(embed.description, world),
    embed.fields?.length && h('div', { class: 'embed-fields' }, embed.fields.map((field) => h('div', { class: field.inline ? 'embed-field embed-field-inline' : 'embed-field' }, h('strong', {}, inline(field.name, world)), markdown(field.value, world)))),
    embed.image?.local && h('img', { class: 'medium medium-single', src: embed.image.url, alt: embed.image.description ?? '' }),
    embed.footer && h('div', { class: 'embed-footer' }, embed.footer.text));
}

// ── times of messages ──────────────────────────────────────────────────────────────────────────

const CLOCK = new Intl.DateTimeFormat('en', { timeStyle: 'short' });
const DATE = new Intl.DateTimeFormat('en', { dateStyle: 'short', timeStyle: 'short' });
const clock = (time) => CLOCK.format(time);
const day = (time) => (new Date(time).toDateString() === new Date().toDateString() ? clock(time) : DATE.format(time));
