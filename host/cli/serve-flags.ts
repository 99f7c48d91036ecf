import { type Command, Option } from 'commander';

/** Adds the flags that say how a host serves; `hostConfig` checks their values. */
export function withServeFlags(command: Command): Command {
  return command
    .option('--port <number>', 'TCP port (default 8080)')
    .option('--bind <address>', 'address to listen on; 0.0.0.0 serves the network (default 127.0.0.1)')
    .option('--data <directory>', 'where functions, keys and the owner token live')
    .option('--cache <directory>', 'where base images, snapshots and translated components live')
    .addOption(new Option('--sandbox <kind>', 'microvm, or process: without isolation, for machines without QEMU'))
    .addOption(new Option('--accel <accelerator>', 'auto, kvm or tcg'))
    .addOption(
      new Option(
        '--isolation <kind>',
        'shared, or dedicated: machines share no page of memory, at some 200 MiB and a tenth of a second more for each',
      ),
    )
    .option('--name <name>', 'the name people see')
    .option('--memory <MiB>', 'memory that all sandboxes together may take (default three quarters of what is free)')
    .option('--idle <seconds>', 'after how long without a call a sandbox is closed (default 600)')
    .option(
      '--retain <number>',
      'versions of each function that are kept, unless it has a number of its own (default 10)',
    )
    .option('--deployment-idle <seconds>', 'after how long without progress a deployment is given up (default 900)')
    .option('--deployment-time <seconds>', 'how long a deployment may take in all (default 21600)')
    .option(
      '--service-idle <seconds>',
      'after how long without a byte a request to a native server is ended (default 600)',
    )
    .option('--policy <file>', 'JSON that says what functions may be granted: hosts, stores, secrets, limits')
    .option('--allow-host <name...>', 'further names that requests may use for this host');
}
