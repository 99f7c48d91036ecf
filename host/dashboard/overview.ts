import { html } from 'hono/html';
import type {
  Deployment,
  FunctionInfo,
  RecentInvocation,
  SandboxInfo,
  ServiceInfo,
  Status,
} from '../../guest-sdk/protocol/index.ts';
import type { Assets } from './assets.ts';
import { deploymentPanel } from './deployment-panel.ts';
import { functionSection } from './function-card.ts';
import { isolationPanel, machinePanel, recentPanel } from './machine-panels.ts';
import { document, type Markup, SIGN } from './markup.ts';
import { picturePanel, pictureTargets } from './picture-panel.ts';
import { count, formatDuration } from './quantity.ts';
import { servicePanel } from './service-panel.ts';

/** All that the page shows. */
export interface OverviewFacts {
  readonly status: Status;
  readonly functions: readonly FunctionInfo[];
  readonly sandboxes: readonly SandboxInfo[];
  readonly services: readonly ServiceInfo[];
  readonly invocations: readonly RecentInvocation[];
  readonly deployments: readonly Deployment[];
  /** Address of a photograph to try with; null when there is none. */
  readonly sample: string | null;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * The page of a cloudlet for its owner. Elements with `data-live` are renewed by the script from a fresh copy of this page, so
 * that there is one place that knows how things look.
 */
export function overview(assets: Assets, facts: OverviewFacts): Markup {
  const { status, functions, sandboxes, services, invocations, deployments, sample, now } = facts;
  return document(
    assets,
    `${status.name} · Cloudlet`,
    'page.js',
    html`<header class="top">
  <p class="brand">${SIGN} Cloudlet</p>
  <a href="/store">Store</a>
  <p class="connection" id="connection" role="status" data-state="connecting">connecting</p>
  <button type="button" class="link" id="leave">Sign out</button>
</header>
<main class="overview">
  <div class="title">
    <h1>${status.name}</h1>
    <p class="lead" data-live="lead">${count(status.functions, 'function')}, ${count(status.machines, 'sandbox', 'sandboxes')}${services.length === 0 ? '' : `, ${count(services.length, 'service')}`}. Serving for ${formatDuration(Math.round(status.uptimeS) * 1000)}, version ${status.version}.</p>
  </div>
  <div class="main-column">
    ${picturePanel(pictureTargets(functions), sample)}
    ${functionSection(functions, now)}
    ${publishPanel()}
  </div>
  <aside class="side-column" aria-label="This cloudlet">
    ${isolationPanel(status)}
    ${servicePanel(services, status, now)}
    ${machinePanel(sandboxes, status, now)}
    ${deploymentPanel(deployments, now)}
    ${recentPanel(invocations, now)}
  </aside>
</main>`,
  );
}

function publishPanel(): Markup {
  return html`<section class="panel" id="publish" aria-labelledby="publish-title">
  <h2 id="publish-title">Publish a component</h2>
  <form id="publish-form" class="publish-form">
    <div class="drop slim" id="publish-drop">
      <div class="drop-words">
        <label class="button" for="publish-file">Choose a .wasm file</label>
        <input id="publish-file" class="visually-hidden" type="file" accept=".wasm,.tar,application/wasm,application/x-tar" />
        <p class="quiet" id="publish-picked"><span class="wide-only">or drop one anywhere on this page</span></p>
      </div>
    </div>
    <div class="publish-name">
      <label for="publish-name">Name</label>
      <input id="publish-name" name="name" required maxlength="63" pattern="[a-z][a-z0-9\\-]{0,62}" placeholder="my-function" spellcheck="false" autocapitalize="off" autocomplete="off" title="lower-case letters, digits and hyphens, starting with a letter" />
      <button type="submit" disabled id="publish-button">Publish</button>
    </div>
    <progress id="publish-progress" max="1" value="0" hidden aria-label="Upload"></progress>
    <div id="publish-status" aria-live="polite"></div>
  </form>
</section>`;
}
