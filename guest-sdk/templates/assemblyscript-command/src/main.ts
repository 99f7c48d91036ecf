// Standard input to standard output; what is wrong goes to the log, and makes the exit status other than 0.
import { log, stdin, stdout } from 'cloudlet';

export function main(args: Array<string>): i32 {
  const numbers = new Array<f64>();
  for (let line = stdin.line(); line !== null; line = stdin.line()) {
    const words = line.split(' ');
    for (let at = 0; at < words.length; at++) if (words[at] != '') numbers.push(parseFloat(words[at]));
  }
  if (numbers.length == 0 || numbers.some((number) => isNaN(number))) {
    log('expected numbers, between spaces or on lines of their own');
    return 1;
  }
  numbers.sort();
  const wanted = args.length == 0 ? ['mean', 'median'] : args;
  for (let at = 0; at < wanted.length; at++) {
    const value = figure(wanted[at], numbers);
    if (isNaN(value)) {
      log(`expected mean, median, least or most, got ${wanted[at]}`);
      return 2;
    }
    stdout.line(`${wanted[at]} ${value}`);
  }
  return 0;
}

/** A figure of numbers in order; NaN when there is none of that name. */
function figure(name: string, numbers: Array<f64>): f64 {
  const half = numbers.length >> 1;
  if (name == 'mean') return numbers.reduce<f64>((sum, number) => sum + number, 0) / numbers.length;
  if (name == 'median') return numbers.length % 2 == 1 ? numbers[half] : (numbers[half - 1] + numbers[half]) / 2;
  if (name == 'least') return numbers[0];
  return name == 'most' ? numbers[numbers.length - 1] : NaN;
}
