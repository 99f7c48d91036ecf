import { boundConstructor } from '../bound-constructor.ts';
import type { ContextSeat } from '../context.ts';
import { askBlobs, checkName } from './asking.ts';
import type { BlobBackend, ObjectPlace } from './blob-backend.ts';
import { Container, noContainer } from './container.ts';
import { IncomingValue } from './incoming-value.ts';
import { ObjectNames } from './object-names.ts';
import { OutgoingValue } from './outgoing-value.ts';

/** The interfaces of `wasi:blobstore` that a guest imports. */
export function blobstoreInterfaces(seat: ContextSeat) {
  const newOutgoingValue = () => new OutgoingValue(seat.context);
  const ask = async <Answer>(names: readonly string[], work: (backend: BlobBackend) => Promise<Answer>) => {
    for (const name of names) checkName(name);
    return askBlobs(seat.context, work);
  };
  const copy = async (source: ObjectPlace, destination: ObjectPlace, move: boolean) => {
    const names = [source.container, source.object, destination.container, destination.object];
    await ask(names, (backend) => backend.copy(source, destination, move));
  };
  return {
    'wasi:blobstore/blobstore': {
      async createContainer(name: string): Promise<Container> {
        const { context } = seat;
        await ask([name], (backend) => backend.createContainer(name));
        return new Container(context, name);
      },
      async getContainer(name: string): Promise<Container> {
        const { context } = seat;
        const facts = await ask([name], (backend) => backend.container(name));
        if (facts === undefined) throw noContainer(name);
        return new Container(context, name);
      },
      async deleteContainer(name: string): Promise<void> {
        await ask([name], (backend) => backend.deleteContainer(name));
      },
      async containerExists(name: string): Promise<boolean> {
        return (await ask([name], (backend) => backend.container(name))) !== undefined;
      },
      copyObject: (source: ObjectPlace, destination: ObjectPlace) => copy(source, destination, false),
      moveObject: (source: ObjectPlace, destination: ObjectPlace) => copy(source, destination, true),
    },
    'wasi:blobstore/container': { Container, StreamObjectNames: ObjectNames },
    'wasi:blobstore/types': {
      IncomingValue,
      OutgoingValue: Object.assign(boundConstructor(OutgoingValue.prototype, newOutgoingValue), {
        newOutgoingValue,
        finish: OutgoingValue.finish,
      }),
    },
  };
}
