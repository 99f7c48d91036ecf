import { setImmediate } from 'node:timers/promises';
import { BLOB_NAME_BYTES, DELETE_OBJECTS, type ObjectPlace } from '../../wasi/index.ts';
import { CheckedArguments } from '../checked-arguments.ts';
import { OutsideRefusal, type OutsideRequest, type OutsideService, type OutsideServices } from '../outside-service.ts';
import { sendAll } from '../transfer.ts';
import type { ObjectStore } from './object-store.ts';
import { type BlobOwner, Upload } from './upload.ts';

const NAME = { mostBytes: BLOB_NAME_BYTES, code: 'name' };
const PAGE_NAMES = 1000;

/** The services behind `wasi:blobstore`: the containers of one function. */
export function blobServices(store: ObjectStore, owner: BlobOwner): OutsideServices {
  const { account, quotaBytes } = owner;
  const { table } = store;
  const { name } = account;
  const uploads = new Map<number, Upload>();
  let lastUpload = 0;

  const ask = ({ args }: OutsideRequest): CheckedArguments => {
    account.check();
    return new CheckedArguments(args);
  };
  const service =
    (work: (args: CheckedArguments) => unknown): OutsideService =>
    async (request) => ({ value: (await work(ask(request))) ?? null });

  /** Removes all objects of a container, and lets others be served in between. */
  const empty = async (container: string, kept: boolean): Promise<void> => {
    for (;;) {
      const { gone, isOver } = table.clear(name, container, kept);
      store.sweep(gone);
      if (isOver) return;
      await setImmediate();
      account.check();
    }
  };

  return {
    'blobs.create-container': service((args) => table.createContainer(name, args.text('container', NAME), quotaBytes)),
    'blobs.container': service((args) => table.container(name, args.text('container', NAME))),
    'blobs.delete-container': service((args) => empty(args.text('container', NAME), false)),
    'blobs.clear': service((args) => empty(args.text('container', NAME), true)),
    'blobs.names': service((args) =>
      table.names(name, args.text('container', NAME), args.textOrNull('after', NAME), args.integer('most', PAGE_NAMES)),
    ),
    'blobs.object': service((args) => {
      const found = table.object(name, placeOf(args));
      return found && { createdAtS: found.createdAtS, sizeBytes: found.size };
    }),
    'blobs.delete-objects': service((args) => {
      const names = args.texts('objects', DELETE_OBJECTS, NAME);
      store.sweep(table.deleteObjects(name, args.text('container', NAME), names));
    }),
    'blobs.copy': service((args) => {
      const [source, destination] = [placeOf(args.inner('source')), placeOf(args.inner('destination'))];
      store.sweep(table.copy(name, { source, destination, move: args.flag('move') }, quotaBytes));
    }),
    'blobs.commit': service(async (args) => {
      const upload = uploads.get(args.integer('upload', Number.MAX_SAFE_INTEGER));
      if (upload === undefined) throw new OutsideRefusal('given-up', 'expected an upload that goes on, got none');
      await upload.commit(placeOf(args));
    }),
    'blobs.upload': async (request) => {
      ask(request);
      const ended = account.beginTransfer();
      lastUpload += 1;
      const id = lastUpload;
      const upload = new Upload(store, owner, request);
      uploads.set(id, upload);
      const end = upload.over.finally(() => {
        uploads.delete(id);
        ended();
      });
      return { value: { upload: id }, end: end.then(() => null) };
    },
    'blobs.download': async (request) => {
      const args = ask(request);
      // Both included in WASI, the end left out here.
      const range = {
        start: args.integer('start', Number.MAX_SAFE_INTEGER),
        end: args.integer('end', Number.MAX_SAFE_INTEGER - 1) + 1,
      };
      if (range.start >= range.end) throw new OutsideRefusal('invalid', 'expected a start that is not behind the end');
      const place = placeOf(args);
      const ended = account.beginTransfer();
      const opened = await store.openObject(name, place, range).catch((error: unknown) => {
        ended();
        throw error;
      });
      const end = sendAll(request.sink, opened.bytes, request.signal)
        .finally(() => {
          ended();
          return opened.close();
        })
        .then(() => null);
      return { value: { sizeBytes: opened.sizeBytes }, end };
    },
  };
}

function placeOf(args: CheckedArguments): ObjectPlace {
  return { container: args.text('container', NAME), object: args.text('object', NAME) };
}
