import { html } from 'hono/html';
import type { RecentInvocation, SandboxInfo, Status } from '../../guest-sdk/protocol/index.ts';
import { ago, type Markup } from './markup.ts';
import { count, formatBytes, formatDuration } from './quantity.ts';

/** Invocations on the page; more are at `/v1/invocations`. */
const SHOWN_INVOCATIONS = 12;

/** How guests are held apart here, in a few words; the cloudlet's own sentence says what that is worth. */
const BOUNDARIES = {
  kvm: 'A machine of its own, on KVM',
  tcg: 'A machine of its own, emulated',
  none: 'No walls',
} as const satisfies Record<Status['accelerator']['kind'], string>;

/** What the walls around a function are worth on this computer. */
export function isolationPanel({ accelerator }: Status): Markup {
  return html`<section class="panel isolation ${accelerator.isolates ? 'good' : 'caution'}" data-live="isolation" aria-labelledby="isolation-title">
  <h2 id="isolation-title">Isolation</h2>
  <p class="isolation-title">${BOUNDARIES[accelerator.kind]}</p>
  <p>${accelerator.meaning}</p>
</section>`;
}

/** The sandboxes that exist now. */
export function machinePanel(sandboxes: readonly SandboxInfo[], status: Status, now: number): Markup {
  return html`<section class="panel" data-live="machines" aria-labelledby="machines-title">
  <div class="panel-head">
    <h2 id="machines-title">${status.sandbox === 'microvm' ? 'Machines' : 'Sandboxes'}</h2>
    <span class="quiet">${formatBytes(status.load.sandboxBytes)} of ${formatBytes(status.limits.sandboxBytes)}</span>
  </div>
  ${sandboxes.length === 0 ? html`<p class="quiet">None now. One starts with the next call.</p>` : html`<ul class="rows">${sandboxes.map((sandbox) => machineRow(sandbox, now))}</ul>`}
  <p class="quiet fine">Host: ${formatBytes(status.load.rssBytes)} of memory, ${count(status.load.invocationsRunning, 'call')} running, ${status.load.invocationsQueued} waiting</p>
</section>`;
}

function machineRow(sandbox: SandboxInfo, now: number): Markup {
  const doing = sandbox.running > 0 ? `${sandbox.running} running` : `${sandbox.served} served`;
  return html`<li>
    <span class="dot state-${sandbox.state}" role="img" aria-label="${sandbox.state}"></span>
    <span class="row-main">${sandbox.function} · ${sandbox.version}</span>
    <span class="quiet">${doing}</span>
    <span class="quiet row-end">${sandbox.state === 'ready' ? '' : `${sandbox.state}, `}${sandbox.via}, ${formatBytes(sandbox.privateBytes)}, ${sandbox.pid === null ? '' : html`pid ${sandbox.pid}, `}${ago(sandbox.startedAt, now)}</span>
  </li>`;
}

/** Running and lately finished invocations, newest first. */
export function recentPanel(invocations: readonly RecentInvocation[], now: number): Markup {
  return html`<section class="panel" data-live="recent" aria-labelledby="recent-title">
  <h2 id="recent-title">Recent calls</h2>
  ${
    invocations.length === 0
      ? html`<p class="quiet">None yet.</p>`
      : html`<ul class="rows" id="recent-rows">${invocations.slice(0, SHOWN_INVOCATIONS).map((each) => recentRow(each, now))}</ul>`
  }
</section>`;
}

function recentRow(invocation: RecentInvocation, now: number): Markup {
  const { outcome } = invocation;
  const tone = outcome === 'running' ? 'starting' : outcome === 'ok' ? 'ready' : 'failed';
  const how = invocation.start === undefined || invocation.start === 'idle' ? '' : ` · ${invocation.start}`;
  return html`<li>
    <span class="dot state-${tone}" role="img" aria-label="${outcome}"></span>
    <span class="row-main">${invocation.function}${invocation.target === undefined ? '' : html`<span class="quiet"> · ${invocation.target}</span>`}</span>
    <span class="number">${invocation.durationMs === null ? '…' : formatDuration(invocation.durationMs)}</span>
    <span class="quiet row-end">${outcome === 'ok' || outcome === 'running' ? invocation.door : outcome}${how}, ${ago(invocation.startedAt, now)}</span>
  </li>`;
}
