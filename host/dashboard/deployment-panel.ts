import { html } from 'hono/html';
import { type Deployment, isEnded } from '../../guest-sdk/protocol/index.ts';
import { ago, type Markup } from './markup.ts';
import { formatBytes, formatDuration } from './quantity.ts';

/** Deployments on the page; more are at `/v1/deployments`. */
const SHOWN = 6;

/** What is being brought here, and what was brought lately. */
export function deploymentPanel(deployments: readonly Deployment[], now: number): Markup {
  const shown = [...deployments.filter((each) => !isEnded(each)), ...deployments.filter(isEnded)].slice(0, SHOWN);
  return html`<section class="panel" data-live="deployments" aria-labelledby="deployments-title">
  <h2 id="deployments-title">Deployments</h2>
  ${
    shown.length === 0
      ? html`<p class="quiet">None lately.</p>`
      : html`<ul class="rows deployments">${shown.map((each) => deploymentRow(each, now))}</ul>`
  }
</section>`;
}

function deploymentRow(deployment: Deployment, now: number): Markup {
  const { name, kind, rung, stage, problem, endedAt } = deployment;
  const tone = stage === 'ready' || stage === 'complete' ? 'ready' : stage === 'failed' ? 'failed' : 'starting';
  return html`<li data-deployment="${deployment.id}">
    <span class="dot state-${tone}" role="img" aria-label="${stage}"></span>
    <span class="row-main">${name}<span class="quiet"> · ${kind}</span></span>
    <span class="number">${stage === 'failed' ? (problem?.code ?? stage) : stage}</span>
    ${endedAt === null ? progress(deployment) : ''}
    ${problem === undefined ? '' : html`<span class="quiet row-end">${problem.detail}</span>`}
    <span class="quiet row-end">${rung}, ${endedAt === null ? 'began' : 'ended'} ${ago(endedAt ?? deployment.startedAt, now)}</span>
  </li>`;
}

/** A bar for what is counted; what is not goes on without an end in sight. */
function progress({ name, stage, bytesDone, bytesTotal, estimateS }: Deployment): Markup {
  const label = `${name}: ${stage}`;
  if (bytesTotal === null || bytesTotal === 0) return html`<progress class="row-bar" aria-label="${label}"></progress>`;
  const left = estimateS === null ? '' : `, ${formatDuration(Math.max(1000, estimateS * 1000))} left`;
  return html`<progress class="row-bar" max="${bytesTotal}" value="${bytesDone}" aria-label="${label}"></progress>
    <span class="quiet row-end">${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}${left}</span>`;
}
