// Menus of a message: of texts, people, roles and channels; what is chosen is handled by delegation in main.js.

import { h } from './dom.js';

const TEXTS = 3, PEOPLE = 5, ROLES = 6, MENTIONABLE = 7, CHANNELS = 8;
const VOICE_LIKE = [2, 13];

export const MENUS = [TEXTS, PEOPLE, ROLES, MENTIONABLE, CHANNELS];

const people = (world) => Object.entries(world.people).map(([value, name]) => ({ value, label: name, mark: '@' }));
const roles = (world) => world.roles.map((role) => ({ value: role.id, label: role.name, mark: '@', about: 'role' }));

function channels(world, types) {
  const places = world.channels.flatMap((channel) => [channel, ...channel.threads]);
  return places.filter((each) => !types?.length || types.includes(each.type))
    .map((each) => ({ value: each.id, label: each.name, mark: VOICE_LIKE.includes(each.type) ? '🔊' : '#' }));
}

function entriesOf(part, world) {
  if (part.type === TEXTS) return part.options.map((option) => ({ value: option.value, label: option.label, mark: option.emoji?.name, about: option.description, chosen: option.default }));
  const all = { [PEOPLE]: () => people(world), [ROLES]: () => roles(world), [MENTIONABLE]: () => [...people(world), ...roles(world)], [CHANNELS]: () => channels(world, part.channel_types) }[part.type]();
  const given = new Set((part.default_values ?? []).map((each) => each.id));
  return all.map((each) => ({ ...each, chosen: given.has(each.value) }));
}

const named = (entry) => `${entry.mark ? (entry.mark === '🔊' ? '🔊 ' : entry.mark) : ''}${entry.label}`;

export function menu(part, world) {
  const entries = entriesOf(part, world);
  return (part.max_values ?? 1) > 1 ? several(part, entries) : single(part, entries);
}

// As Discord does on a phone: a line that is tapped, and a list that opens. The system draws the list.
function single(part, entries) {
  const hint = part.placeholder ?? 'Make a selection';
  const none = !entries.some((entry) => entry.chosen);
  const options = entries.map((entry) => h('option', { value: entry.value, selected: entry.chosen }, named(entry)));
  if (none) options.unshift(h('option', { value: '', selected: true, disabled: true }, hint));
  else if (part.min_values === 0) options.unshift(h('option', { value: '' }, '✕ Nothing'));
  return h('span', { class: 'menu' },
    h('select', { class: `select${none ? ' select-empty' : ''}`, 'aria-label': hint, disabled: part.disabled, data: { choose: part.custom_id, kind: part.type } }, options));
}

function several(part, entries) {
  const hint = part.placeholder ?? 'Make a selection';
  const chosen = entries.filter((entry) => entry.chosen);
  return h('details', { class: `menu menu-several${part.disabled ? ' menu-off' : ''}`, data: { choose: part.custom_id, kind: part.type } },
    h('summary', { class: `select${chosen.length ? '' : ' select-empty'}`, 'aria-label': hint },
      h('span', { class: 'menu-chosen' }, chosen.length ? chosen.map((entry) => h('span', { class: 'menu-chip' }, named(entry))) : hint)),
    h('div', { class: 'menu-list' }, entries.map((entry) => h('label', { class: 'menu-entry' },
      h('input', { type: 'checkbox', value: entry.value, checked: entry.chosen }),
      h('span', {}, named(entry), entry.about && h('small', { class: 'row-about' }, entry.about))))),
    h('button', { class: 'button button-primary', type: 'button', data: { chosen: part.custom_id } }, 'Apply'));
}

// What is chosen in a menu at the moment.
export function chosenIn(menu) {
  if (menu.matches('select')) return [...menu.selectedOptions].map((option) => option.value).filter(Boolean);
  return [...menu.querySelectorAll('input:checked')].map((input) => input.value);
}
