import { join } from 'node:path';
import type { CloudletParts } from './cloudlet-parts.ts';
import {
  holdBase,
  inPlace,
  knownServiceRungs,
  openWorkshop,
  overlayRungs,
  Recipes,
  RememberedRecipes,
  type Rung,
  recipeRungs,
  ServicePublishers,
  type Wish,
} from './provision/index.ts';
import type { Services } from './service/index.ts';
import { restoreVm } from './vm/machine/restore-vm.ts';

/** The ways to a service that a cloudlet has: by its name or image, by an overlay, by a recipe. */
export function serviceRungs({ data, vms, policy }: CloudletParts, services: Services): Rung<Wish>[] {
  const { publishers: names, services: records } = data.registry;
  const publishers = new ServicePublishers({
    ...{ policy: policy.functions.publishers, names },
    services: { find: (name) => records.find(name), past: records.past },
  });
  const { images, accelerator, blanks } = vms;
  const recipes = new Recipes({
    world: {
      holdBase: (base, signal) => holdBase(images, base, signal),
      open: async (base, growthBytes, signal, user) =>
        inPlace(services.reserve(base.digest, base.conditions.memoryMib, user), async () =>
          openWorkshop({ images, accelerator: await accelerator() }, base, growthBytes, signal),
        ),
      findMade: (key, signal) => images.findMade('service', key, signal),
    },
    remembered: new RememberedRecipes(join(images.directory, '..', 'recipes')),
    policy,
  });
  return [
    ...knownServiceRungs({ services, publishers, findImage: (digest, signal) => images.find(digest, signal) }),
    ...overlayRungs({ images, services, publishers, accelerator, restore: restoreVm, policy, blanks }),
    ...recipeRungs({ recipes, services, publishers }),
  ];
}
