/** How a host is found: advertises it by multicast DNS. */
export { type AdvertiseOptions, type Advertising, advertise } from './advertise.ts';
