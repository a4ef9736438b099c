// What the Go extension does that decides which programs run, in small: it looks
// for go, asks it about the first folder, puts the bin of its GOROOT first on
// PATH unless told not to, hands that folder's settings of go to its children,
// and starts gopls for the window, go and dlv in each folder, and a terminal.
// What they got it posts to $VMGO_TEST_REPORT, and leaves them running.
const vscode = require('vscode');
const fs = require('fs');
const path = require('path');
const { execFileSync, spawn } = require('child_process');

const children = [];

function start(program, args, options) {
  const child = spawn(program, args, options);
  child.on('error', () => {}); // who waits for its output has the close
  children.push(child);
  return child;
}

function isProgram(file) {
  try { fs.accessSync(file, fs.constants.X_OK); return fs.statSync(file).isFile(); } catch { return false; }
}

// find is getBinPathWithExplanation of the extension.
function find(name, config) {
  const tool = (config.get('alternateTools') || {})[name];
  if (tool && path.isAbsolute(tool) && isProgram(tool)) return [tool, 'alternateTools'];
  const env = process.env;
  const inBin = (dir) => dir && path.join(dir, 'bin');
  const dirs = [[env.GOBIN, 'GOBIN'], [inBin(env.GOPATH), 'GOPATH'], [inBin(config.get('goroot') || env.GOROOT), 'GOROOT']];
  for (const dir of env.PATH.split(':')) dirs.push([dir, 'path']);
  for (const [dir, why] of dirs) if (dir && isProgram(path.join(dir, name))) return [path.join(dir, name), why];
  throw new Error(`${name} is found nowhere on ${env.PATH}`);
}

// reader makes a named pipe, and returns it with what is written to it.
function reader(pipe) {
  execFileSync('mkfifo', [pipe]);
  return fs.promises.readFile(pipe, 'utf8');
}

// running starts go in a directory, and returns its process once it waits for an
// end that does not come.
async function running(go, cwd, pipe) {
  execFileSync('mkfifo', [pipe]);
  const child = start(go, ['mod', 'edit', '-json', pipe], { cwd, stdio: 'ignore' });
  const failed = new Promise((_, reject) => child.on('close', (code) => reject(new Error(`go ends with ${code}`))));
  failed.catch(() => {});
  await Promise.race([fs.promises.open(pipe, 'w').then((held) => children.push({ kill: () => held.close() })), failed]);
  return child.pid;
}

// debugServer starts dlv for a session that nobody begins.
function debugServer(dlv, cwd) {
  const child = start(dlv, ['dap', '--listen=127.0.0.1:0'], { cwd });
  return new Promise((resolve, reject) => {
    let said = '';
    const hear = (data) => { if ((said += data).includes('listening at')) resolve(child.pid); };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('close', () => reject(new Error('dlv: ' + said)));
  });
}

// languageServer starts gopls with all folders, and returns what asks it.
function languageServer(gopls, cwd) {
  const child = start(gopls, [], { cwd, stdio: ['pipe', 'pipe', 'ignore'] });
  const waiting = new Map();
  let got = Buffer.alloc(0);
  let last = 0;
  const send = (message) => {
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }));
    child.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
    child.stdin.write(body);
  };
  child.stdout.on('data', (data) => {
    got = Buffer.concat([got, data]);
    for (let end; (end = got.indexOf('\r\n\r\n')) >= 0;) {
      const length = Number(/Content-Length: (\d+)/i.exec(got.subarray(0, end))[1]);
      if (got.length < end + 4 + length) return;
      const message = JSON.parse(got.subarray(end + 4, end + 4 + length));
      got = got.subarray(end + 4 + length);
      if (message.method && message.id !== undefined) send({ id: message.id, result: null });
      else if (waiting.has(message.id)) waiting.get(message.id)(message);
    }
  });
  child.on('close', () => waiting.forEach((answer) => answer({ error: { message: 'gopls has ended' } })));
  const ask = (method, params) => new Promise((resolve, reject) => {
    const id = ++last;
    waiting.set(id, ({ error, result }) => (error ? reject(new Error(`${method}: ${error.message}`)) : resolve(result)));
    send({ id, method, params });
  });
  return { pid: child.pid, ask, tell: (method, params) => send({ method, params }) };
}

// definition returns the file in which fmt.Println of a folder's main.go is.
async function definition(server, folder) {
  const uri = folder.uri.toString().replace(/^vscode-remote:\/\/[^/]*/, 'file://') + '/main.go';
  const text = fs.readFileSync(path.join(folder.uri.fsPath, 'main.go'), 'utf8');
  server.tell('textDocument/didOpen', { textDocument: { uri, languageId: 'go', version: 1, text } });
  const lines = text.slice(0, text.indexOf('Println')).split('\n');
  const position = { line: lines.length - 1, character: lines.at(-1).length };
  const found = await server.ask('textDocument/definition', { textDocument: { uri }, position });
  return vscode.Uri.parse(found[0].uri).fsPath;
}

async function examine(context, scratch) {
  const config = vscode.workspace.getConfiguration('go');
  const folders = vscode.workspace.workspaceFolders;
  const first = folders[0].uri.fsPath;
  const [go, why] = find('go', config);
  const asked = JSON.parse(execFileSync(go, ['env', '-json', 'GOROOT', 'GOPATH', 'GOMODCACHE', 'GOPROXY', 'GOBIN'], { cwd: first }));
  if (why !== 'path' && config.get('terminal.activateEnvironment') !== false) {
    const bin = path.join(asked.GOROOT, 'bin') + ':';
    process.env.PATH = bin + process.env.PATH;
    context.environmentVariableCollection.prepend('PATH', bin);
  }
  for (const name of ['GOPATH', 'GOMODCACHE', 'GOPROXY', 'GOBIN']) if (asked[name]) process.env[name] = asked[name];

  const [gopls, dlv] = [find('gopls', config)[0], find('dlv', config)[0]];
  const result = { go, why, gopls, dlv, pid: process.pid, folders: [] };
  const server = languageServer(gopls, first);
  result.goplsPID = server.pid;
  const uriOf = (folder) => 'file://' + folder.uri.fsPath;
  const roots = folders.map((folder) => ({ uri: uriOf(folder), name: folder.name }));
  await server.ask('initialize', { processId: null, rootUri: roots[0].uri, workspaceFolders: roots, capabilities: {} });
  server.tell('initialized', {});
  for (const folder of folders) {
    const cwd = folder.uri.fsPath;
    result.folders.push({
      folder: cwd,
      version: execFileSync(go, ['env', 'GOVERSION'], { cwd }).toString().trim(),
      goPID: await running(go, cwd, path.join(scratch, folder.name)),
      dlvPID: await debugServer(dlv, cwd),
      byPath: execFileSync('/bin/sh', ['-c', 'command -v go'], { cwd }).toString().trim(),
      definition: await definition(server, folder),
    });
  }
  const pipe = path.join(scratch, 'terminal');
  const said = reader(pipe);
  vscode.window.createTerminal({ name: 'go', cwd: first }).sendText(`sh -c 'command -v go; go env GOVERSION' >${pipe}`);
  result.terminal = (await said).trim().split('\n');
  return result;
}

async function activate(context) {
  const scratch = fs.mkdtempSync(process.env.VMGO_TEST_SCRATCH + '/');
  let result;
  try { result = await examine(context, scratch); } catch (err) { result = { error: err.stack }; }
  await fetch(process.env.VMGO_TEST_REPORT, { method: 'POST', body: JSON.stringify(result) });
  fs.rmSync(scratch, { recursive: true });
}

function deactivate() {
  for (const child of children) child.kill();
}

module.exports = { activate, deactivate };
