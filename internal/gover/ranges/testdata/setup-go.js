// Prints setup-go.txt: what actions/setup-go takes of the releases in line 2 of
// that file, for each spec in it. As its installer.ts does, the name of a release
// is turned into a semantic version, and npm's semver decides.
//
//	npm pack semver@7 && tar xf semver-7*.tgz
//	node setup-go.js ./package setup-go.txt >new
const [semver, fs] = [require(require('path').resolve(process.argv[2])), require('fs')];
const lines = fs.readFileSync(process.argv[3], 'utf8').trimEnd().split('\n');
const releases = lines[1].split(' ').slice(1);
function makeSemver(name) {
  const [, numbers, stage, n] = name.match(/^([0-9.]+)(beta|rc)?([0-9]*)$/);
  return semver.coerce(numbers).version + (stage ? `-${stage}.${n}` : '');
}
for (const line of lines) {
  if (line.startsWith('#')) { console.log(line); continue; }
  const spec = line.split('\t')[0];
  let newest = '';
  for (const name of releases) {
    if (semver.satisfies(makeSemver(name), spec) && (newest === '' || semver.gt(makeSemver(name), makeSemver(newest)))) newest = name;
  }
  console.log(spec + '\t' + (newest || 'none'));
}
