import { html } from 'hono/html';
import type { ServiceInfo, ServiceVmInfo, Status } from '../../guest-sdk/protocol/index.ts';
import { ago, type Markup } from './markup.ts';
import { count, formatBytes } from './quantity.ts';
import { signedBy } from './signed-by.ts';

/** Native servers, with a form to start and stop each; nothing where there are none, which is the rule. */
export function servicePanel(services: readonly ServiceInfo[], { services: status }: Status, now: number): Markup {
  const memory = status === undefined ? '' : `${formatBytes(status.bytes)} of ${formatBytes(status.limitBytes)}`;
  return html`<section class="panel services" data-live="services" aria-labelledby="services-title"${services.length === 0 ? html` hidden` : ''}>
  <div class="panel-head">
    <h2 id="services-title">Services</h2>
    <span class="quiet">${memory}</span>
  </div>
  ${services.map((service) => serviceBlock(service, now))}
</section>`;
}

function serviceBlock({ name, address, spec, publisher, vms, failure }: ServiceInfo, now: number): Markup {
  const isHttp = spec.protocol === 'http';
  return html`<div class="service" data-service="${name}">
    <div class="row-head">
      <h3>${isHttp && vms.some(({ state }) => state === 'ready') ? html`<a href="${address}" rel="noopener">${name}</a>` : name}</h3>
      <span class="row-buttons">
        <button type="button" data-act="start">Start</button>
        <button type="button" data-act="stop"${vms.length === 0 ? html` disabled` : ''}>Stop</button>
      </span>
    </div>
    ${publisher === null ? '' : html`<p class="facts">${signedBy(publisher)}</p>`}
    ${vms.length === 0 ? html`<p class="quiet">${failure === undefined ? 'No VM now. One starts with the next request.' : failure.detail}</p>` : html`<ul class="rows">${vms.map((vm) => vmRow(vm, now))}</ul>`}
    <div class="service-status" aria-live="polite"></div>
  </div>`;
}

function vmRow(vm: ServiceVmInfo, now: number): Markup {
  const port = vm.port === null ? '' : `, port ${vm.port}`;
  return html`<li>
    <span class="dot state-${vm.state}" role="img" aria-label="${vm.state}"></span>
    <span class="row-main">${vm.id}${vm.mode === 'own' ? html`<span class="quiet"> · own</span>` : ''}</span>
    <span class="quiet">${count(vm.users, 'user')}</span>
    <span class="quiet row-end">${vm.state === 'ready' ? '' : `${vm.state}, `}${formatBytes(vm.privateBytes)}${port}, ${ago(vm.startedAt, now)}</span>
  </li>`;
}
