import type { ServicesStatus } from '../guest-sdk/protocol/index.ts';
import { SERVICE_STARTS, type ServiceObserver, VM_END_CAUSES } from '../runtime/index.ts';
import { counter, gauge, type Instrument } from './prometheus.ts';

/** What is counted of services: how VMs come and end, what is asked of their servers, and what these ask outside. */
export function serviceMetrics(): { readonly instruments: readonly Instrument[]; readonly observer: ServiceObserver } {
  const started = counter(
    'cloudlet_service_vms_started_total',
    'Service VMs that began to serve, by how they came to be.',
    ['via'],
  );
  for (const via of SERVICE_STARTS) if (via !== 'running') started.add([via], 0);
  const ended = counter('cloudlet_service_vms_ended_total', 'Service VMs that ended, by why.', ['cause']);
  for (const cause of VM_END_CAUSES) ended.add([cause], 0);
  const answered = counter('cloudlet_service_requests_total', 'Requests to services, by what came of them.', [
    'outcome',
  ]);
  const wentOut = counter(
    'cloudlet_service_outbound_total',
    'What programs in service VMs asked of the outside, by what came of it.',
    ['outcome'],
  );
  for (const outcome of ['allowed', 'refused', 'failed']) wentOut.add([outcome], 0);
  return {
    instruments: [started, ended, answered, wentOut],
    observer: {
      serviceVmStarted: ({ via }) => started.add([via]),
      serviceVmEnded: ({ cause }) => ended.add([cause]),
      serviceAnswered: ({ outcome }) => answered.add([outcome]),
      serviceWentOut: ({ outcome }) => wentOut.add([outcome]),
    },
  };
}

/** Services at this moment. */
export function presentServices({ known, vms, vmLimit, bytes, limitBytes }: ServicesStatus): Instrument[] {
  return [
    gauge('cloudlet_services', 'Services by name.', known),
    gauge('cloudlet_service_vms', 'Service VMs, those that start included.', vms),
    gauge('cloudlet_service_vm_limit', 'Service VMs that there may be at once.', vmLimit),
    gauge('cloudlet_service_private_bytes', 'Private memory of all service VMs.', bytes),
    gauge('cloudlet_service_limit_bytes', 'Private memory that all service VMs may take.', limitBytes),
  ];
}
