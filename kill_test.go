package rotatelog_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
)

// killing is a run of processes on one directory that are killed while they
// append and upload.
type killing struct {
	t     *testing.T
	bin   string // the command
	dir   string // Config.Dir
	store killStore
	rng   *rand.Rand
	pace  time.Duration // within which processes are killed

	sent   map[string]string // the fetches given to a process, by number
	acked  map[string]string // the receipts printed for them
	killed int

	mu      sync.Mutex // guards running
	running map[*os.Process]bool
}

// killStore is where the daily objects are.
type killStore struct {
	flags, env []string
	days       func(t *testing.T) map[string][]byte // by key
	calm       func()                               // ends the faults; nil: there are none
}

// TestKilled kills rotatelog append, with one fetch and with many, at random moments, on
// disk and while it uploads, and starts others on the same directory. In the end every
// fetch that append --one acknowledged is in its day once, and none is there twice.
//
// ROTATELOG_KILL_ROUNDS=1000 makes a long run of it, and ROTATELOG_KILL_SEED
// repeats the choices of another, though not its timing.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts hundreds of processes")
	}
	bin := buildCommand(t)
	stores := map[string]func(*killing) killStore{"directory": inDirectory, "fake": onFakeServer}
	for _, s := range realServers() {
		stores[s.name] = func(*killing) killStore { return onRealServer(s) }
	}
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := uint64(number(t, "ROTATELOG_KILL_SEED", rand.IntN(1e9)))
			rounds := number(t, "ROTATELOG_KILL_ROUNDS", depth.N(40, 40, 120))
			k := &killing{
				t: t, bin: bin, dir: t.TempDir(), rng: rand.New(rand.NewPCG(seed, 0)),
				sent: map[string]string{}, acked: map[string]string{}, running: map[*os.Process]bool{},
			}
			k.store = store(k)
			k.pace = k.undisturbed()
			for range rounds {
				k.round()
			}
			k.finish()
			t.Logf("%d of %d processes killed, %d of %d fetches acknowledged; ROTATELOG_KILL_SEED=%d",
				k.killed, 3*rounds, len(k.acked), len(k.sent), seed)
			if k.killed < rounds/2 {
				t.Errorf("only %d processes were killed in %d rounds", k.killed, rounds)
			}
		})
	}
}

// number returns what an environment variable says.
func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// buildCommand returns the path of the command.
func buildCommand(t *testing.T) (bin string) {
	t.Helper()
	bin = filepath.Join(t.TempDir(), "rotatelog")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./cmd/rotatelog").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

func inDirectory(k *killing) killStore {
	dir := filepath.Join(k.t.TempDir(), "store")
	return killStore{
		flags: []string{"--store", "file://" + dir},
		env:   depth.Environ(),
		days: func(t *testing.T) map[string][]byte {
			days := map[string][]byte{}
			names, err := filepath.Glob(filepath.Join(dir, "all_api_rotating_logs", "*.json"))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				content, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				days[name] = content
			}
			return days
		},
	}
}

func credentialsIn(key, secret, token string) []string {
	return append(depth.Environ(), "AWS_ACCESS_KEY_ID="+key, "AWS_SECRET_ACCESS_KEY="+secret, "AWS_SESSION_TOKEN="+token)
}

func onRealServer(s server) killStore {
	prefix := newPrefix()
	return killStore{
		flags: []string{"--store", "s3://" + s.bucket + "/" + prefix, "--endpoint", s.endpoint},
		env:   credentialsIn(s.key, s.secret, ""),
		days: func(t *testing.T) map[string][]byte {
			days := map[string][]byte{}
			for _, key := range s.keys(t, prefix) {
				days[key] = s.get(t, key)
			}
			return days
		},
	}
}

// onFakeServer is a server that fails, and at some requests all processes die,
// before or after it has done what they asked for.
func onFakeServer(k *killing) killStore {
	srv, _ := s3test.NewFake(fakes3.Options{Profile: fakes3.Linode()})
	var mu sync.Mutex
	rng, calm := rand.New(rand.NewPCG(k.rng.Uint64(), 0)), false
	srv.Fault = func(op fakes3.Op) fakes3.Fault {
		mu.Lock()
		defer mu.Unlock()
		if calm {
			return fakes3.Fault{}
		}
		writes := op.Name != "HeadObject" && op.Name != "GetObject"
		switch n := rng.IntN(100); {
		case n < 10 && writes:
			k.killAll()
			return fakes3.Fault{Drop: true, After: n < 5}
		case n < 15:
			return fakes3.Fault{Drop: true, After: n < 12}
		case n < 20:
			return fakes3.Fault{Reply: fakes3.Error{Status: 503, Code: "SlowDown"}}
		case n < 25 && writes:
			return fakes3.Fault{Reply: fakes3.Error{Status: 412, Code: "PreconditionFailed"}, After: true}
		case n < 30 && writes:
			return fakes3.Fault{Reply: fakes3.Error{Status: 500, Code: "UnknownError"}, After: n < 27}
		case n < 33 && writes && op.Name != "UploadPart" && op.Name != "UploadPartCopy": // for which TestUploadWithALostPartIsGivenUp waits longer
			return fakes3.Fault{Lost: true}
		case n < 36 && writes:
			return fakes3.Fault{Later: true}
		case n < 40:
			go srv.Release() // what was abandoned is executed after other writes
		}
		return fakes3.Fault{}
	}
	web := httptest.NewServer(srv)
	k.t.Cleanup(web.Close)
	return killStore{
		flags: []string{"--store", "s3://" + s3test.Bucket, "--endpoint", web.URL},
		env:   credentialsIn("access", s3test.Secret, s3test.Token),
		calm: func() {
			mu.Lock()
			defer mu.Unlock()
			calm = true
		},
		days: func(t *testing.T) map[string][]byte {
			srv.Release()
			days := map[string][]byte{}
			for _, key := range srv.Keys(s3test.Bucket) {
				days[key], _, _ = srv.Object(s3test.Bucket, key)
			}
			return days
		},
	}
}

func (k *killing) killAll() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for p := range k.running {
		p.Kill()
	}
}

// worker is append at work.
type worker struct {
	*exec.Cmd
	stdout, stderr bytes.Buffer
	fetches        []string // the numbers of what it is given
	timer          *time.Timer
}

// start starts append on n new fetches.
func (k *killing) start(n int, flags ...string) *worker {
	k.t.Helper()
	p := &worker{}
	var input strings.Builder
	for range n {
		number := strconv.Itoa(len(k.sent))
		k.sent[number] = fmt.Sprintf(`{"n":%s,"pad":"%s","FETCH_FOOTER":{"total_matches":%d}}`,
			number, strings.Repeat("x", k.rng.IntN(50_000)), k.rng.IntN(100))
		p.fetches = append(p.fetches, number)
		input.WriteString(k.sent[number] + "\n")
	}
	p.Cmd = exec.CommandContext(k.t.Context(), k.bin, slices.Concat([]string{"append", "--dir", k.dir, "--batch", "3"}, k.store.flags, flags)...)
	p.Env = k.store.env
	p.Stdin, p.Stdout, p.Stderr = strings.NewReader(input.String()), &p.stdout, &p.stderr
	if err := p.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.mu.Lock()
	k.running[p.Process] = true
	k.mu.Unlock()
	return p
}

// Wait waits until a process ends, and takes its receipts.
func (k *killing) wait(p *worker) (killed bool) {
	k.t.Helper()
	p.Wait()
	k.mu.Lock()
	delete(k.running, p.Process)
	k.mu.Unlock()
	status, _ := p.ProcessState.Sys().(syscall.WaitStatus)
	if killed = status.Signaled() && status.Signal() == syscall.SIGKILL; killed {
		k.killed++
	} else if code := p.ProcessState.ExitCode(); code != 0 && code != 1 {
		k.t.Errorf("%s: exit status %d\n%s", p.Path, code, p.stderr.String())
	}
	return killed
}

// startOne starts append on one fetch.
func (k *killing) startOne() *worker { return k.start(1, "--one") }

// waitOne also takes the receipt.
func (k *killing) waitOne(p *worker) {
	k.t.Helper()
	killed := k.wait(p)
	receipt := receiptLine.FindString(p.stdout.String())
	if receipt != "" {
		k.acked[p.fetches[0]] = receipt
	}
	if !killed && (receipt == "" || p.ProcessState.ExitCode() != 0) {
		k.t.Errorf("append --one: exit status %d, stdout %q\n%s", p.ProcessState.ExitCode(), p.stdout.String(), p.stderr.String())
	}
}

// undisturbed returns how long a process takes that is not killed.
func (k *killing) undisturbed() time.Duration {
	begun := time.Now()
	k.waitOne(k.startOne())
	return time.Since(begun)
}

// round starts three processes at once, each to be killed at some moment if it
// lives that long. How long that is follows from how many died before: about
// half of them should, on any machine.
func (k *killing) round() {
	ones := []*worker{k.startOne(), k.startOne()}
	other := k.start(k.rng.IntN(5))
	all := append(ones, other)
	for _, p := range all {
		p.timer = time.AfterFunc(time.Duration(k.rng.Int64N(int64(k.pace))), func() { p.Process.Kill() })
	}
	before := k.killed
	for _, p := range ones {
		k.waitOne(p)
	}
	k.wait(other)
	for _, p := range all {
		p.timer.Stop()
	}
	if died := k.killed - before; died > len(all)/2 {
		k.pace += k.pace / 16
	} else {
		k.pace -= k.pace / 16
	}
}

// finish lets one process end the work undisturbed, and checks the outcome.
func (k *killing) finish() {
	if k.store.calm != nil {
		k.store.calm()
	}
	last := k.start(0, "--flush", "--wait", "60s")
	if k.wait(last); last.ProcessState.ExitCode() != 0 {
		k.t.Errorf("the last run: exit status %d\n%s%s", last.ProcessState.ExitCode(), last.stdout.String(), last.stderr.String())
	}
	k.judgeLocal()
	k.judgeStore()
	k.judgeReceipts()
}

// judgeLocal: nothing is left on disk, and the local file parses.
func (k *killing) judgeLocal() {
	content, err := os.ReadFile(filepath.Join(k.dir, "all_api.json"))
	if err != nil {
		k.t.Fatal(err)
	}
	var left []json.RawMessage
	if err := json.Unmarshal(content, &left); err != nil || len(left) != 0 {
		k.t.Errorf("all_api.json: %v, %d fetches: %.200q", err, len(left), content)
	}
	pending, err := filepath.Glob(filepath.Join(k.dir, "all_api.spool", "pending", "*"))
	if err != nil || len(pending) != 0 {
		k.t.Errorf("pending: %q, %v", pending, err)
	}
}

// judgeStore: every day agrees with itself, and has each fetch at most once and
// as it was sent, those that were acknowledged exactly once.
func (k *killing) judgeStore() {
	count := map[string]int{}
	for key, content := range k.store.days(k.t) {
		if strings.Contains(key, "rotatelog-probe-") { // of a process that was killed while it proved what the store does
			continue
		}
		for _, u := range parseDay(k.t, key, content).Uploads {
			var matches int64
			for _, fetch := range u.Data {
				var f struct{ N json.Number }
				if err := json.Unmarshal(fetch, &f); err != nil || k.sent[f.N.String()] != string(fetch) {
					k.t.Errorf("%s: nobody sent %.200s", key, fetch)
				}
				count[f.N.String()]++
				matches += footerMatches(k.t, fetch)
			}
			if matches != u.Matches {
				k.t.Errorf("%s: upload %d has %d matches, and says %d", key, u.Sequence, matches, u.Matches)
			}
		}
	}
	for n := range k.sent {
		receipt, acked := k.acked[n]
		if count[n] > 1 || acked && count[n] == 0 {
			k.t.Errorf("fetch %s is there %d times; its receipt: %q", n, count[n], receipt)
		}
	}
}

// receiptLine is the line about a fetch that is on disk, with its day and its number.
var receiptLine = regexp.MustCompile(`(?m)^(\d\d/\d\d/\d{4}) \d\d:\d\d:\d\d [AP]M E[DS]T all_api (#\d+): [\d,]+ match.* of 3`)

// judgeReceipts: no two fetches of a day have the same number.
func (k *killing) judgeReceipts() {
	numbers := map[string]string{}
	for n, receipt := range k.acked {
		m := receiptLine.FindStringSubmatch(receipt)
		if m == nil {
			k.t.Errorf("fetch %s: receipt %q", n, receipt)
			continue
		}
		number := m[1] + " " + m[2]
		if other, taken := numbers[number]; taken {
			k.t.Errorf("fetches %s and %s are both %s", n, other, number)
		}
		numbers[number] = n
	}
}
