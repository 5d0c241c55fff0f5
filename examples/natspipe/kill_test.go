package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/rotatelog"
)

// killing is a server, two publishers and a consumer that are killed, and started again.
type killing struct {
	t       *testing.T
	rng     *rand.Rand
	dir     string
	network *network
	events  chan event
	running map[string]*exec.Cmd // by role, until its end was handled

	due    int // lines until the next disturbance
	left   int // disturbances
	killed int
	failed int             // processes that ended by themselves, as when they are cut off
	stored map[string]bool // by id
	known  int             // fetches that came again
	last   string          // the id of the fetch that is published last
}

// event is a line that a process has printed, or its end.
type event struct {
	role, line string
	ended      bool
	err        error
}

// The machines on which fetches are made. When two of them are done the last one publishes
// one fetch: when that was appended, so was all that was published before.
const east, west, last = "east", "west", "last"

// TestPipeKilled kills the server, the publishers and the consumer at random moments, and cuts
// their connections. In the end each fetch is in the object of its day, exactly once, and those
// of a machine are in order.
//
// NATSPIPE_ROUNDS=500 makes a long run of it, and NATSPIPE_SEED repeats the choices of
// another, though not its timing.
func TestPipeKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts dozens of processes")
	}
	seed := number(t, "NATSPIPE_SEED", rand.IntN(1e9))
	rounds := number(t, "NATSPIPE_ROUNDS", 30)
	k := &killing{
		t: t, rng: rand.New(rand.NewPCG(uint64(seed), 0)), dir: t.TempDir(), network: newNetwork(t),
		events: make(chan event), running: map[string]*exec.Cmd{},
		due: 1, left: rounds, stored: map[string]bool{},
	}
	want := slices.Concat(k.fill(east, 4*rounds), k.fill(west, 4*rounds), k.fill(last, 1))
	var err error
	if k.last, err = rotatelog.ContentIdentity([]byte(want[len(want)-1])); err != nil {
		t.Fatal(err)
	}
	for _, role := range []string{east, west, "server", "consumer"} {
		k.start(role)
	}
	for !k.stored[k.last] {
		k.handle(<-k.events)
	}
	k.stop()
	t.Logf("%d processes killed, %d fetches delivered again; NATSPIPE_SEED=%d", k.killed, k.known, seed)
	if k.killed < rounds/4 {
		t.Errorf("only %d processes were killed in %d rounds", k.killed, rounds)
	}
	k.wantStored(want)
}

// fill puts fetches into the outbox of a machine.
func (k *killing) fill(machine string, fetches int) (texts []string) {
	k.t.Helper()
	for n := range fetches {
		texts = append(texts, newFetch(k.t, machine, n, k.rng.IntN(20_000)))
	}
	fill(k.t, k.path(machine), machine, texts...)
	return texts
}

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

func (k *killing) path(name string) string { return filepath.Join(k.dir, name) }

// args are those of a role. Answers are given up soon, so that a run takes seconds.
func (k *killing) args(role string) []string {
	switch role {
	case "server":
		return []string{"-port", "-1", "serve", k.path("stream")}
	case "consumer":
		return []string{"-timeout", "1s", "-ackwait", "500ms", "consume", k.network.url(), k.path("spool"), k.path("store")}
	}
	return []string{"-timeout", "1s", "publish", k.network.url(), k.path(role)}
}

// start starts a process. Its lines and its end come as events.
func (k *killing) start(role string) {
	k.t.Helper()
	cmd := exec.CommandContext(k.t.Context(), os.Args[0], k.args(role)...)
	cmd.Env = append(os.Environ(), "NATSPIPE_PROGRAM=1")
	cmd.Stderr = k.t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil {
		k.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.running[role] = cmd
	go func() {
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			k.events <- event{role: role, line: scanner.Text()}
		}
		k.events <- event{role: role, ended: true, err: cmd.Wait()}
	}()
}

// handle notes what has happened, and disturbs the processes when it is time.
func (k *killing) handle(e event) {
	k.t.Helper()
	if e.ended {
		k.restart(e.role, e.err)
		return
	}
	verb, rest, _ := strings.Cut(e.line, " ")
	switch verb {
	case "serving":
		k.network.setTarget(strings.TrimPrefix(rest, "nats://"))
	case "published":
	case "known":
		k.known++
		k.stored[rest] = true
	case "stored":
		if k.stored[rest] {
			k.t.Errorf("%s was stored twice", rest)
		}
		k.stored[rest] = true
	default:
		k.t.Errorf("the %s printed %q", e.role, e.line)
	}
	if k.due--; k.due <= 0 {
		k.due = 1 + k.rng.IntN(10)
		k.disturb(e.role)
	}
}

// restart starts a process that has ended, unless it is a publisher whose outbox is empty.
func (k *killing) restart(role string, ended error) {
	k.t.Helper()
	delete(k.running, role)
	if ended == nil {
		if k.running[east] == nil && k.running[west] == nil && role != last {
			k.start(last)
		}
		return
	}
	if ended.Error() == "signal: killed" {
		k.killed++
	} else if k.failed++; k.failed > 500 {
		k.t.Fatalf("the %s fails again and again: %v", role, ended)
	}
	k.start(role)
	if k.rng.IntN(4) == 0 { // while it starts
		k.kill(role, 200*time.Millisecond)
	}
}

// disturb kills the process that has just printed a line: a publisher before it removes the
// file, the consumer before it acknowledges. Or it kills another one within some milliseconds,
// or cuts all connections.
func (k *killing) disturb(printed string) {
	if k.left == 0 {
		return
	}
	switch k.rng.IntN(4) {
	case 0, 1:
		k.kill(printed, 1)
	case 2:
		roles := slices.Sorted(maps.Keys(k.running))
		k.kill(roles[k.rng.IntN(len(roles))], 20*time.Millisecond)
	case 3:
		k.left--
		k.network.cut()
	}
}

// kill kills a process as kill -9 does, within a time.
func (k *killing) kill(role string, within time.Duration) {
	cmd := k.running[role]
	if k.left == 0 || cmd == nil {
		return
	}
	k.left--
	time.AfterFunc(rand.N(within), func() { cmd.Process.Kill() }) // its error: it has ended by itself
}

// stop kills what still runs.
func (k *killing) stop() {
	for _, cmd := range k.running {
		cmd.Process.Kill()
	}
	for len(k.running) > 0 {
		if e := <-k.events; e.ended {
			delete(k.running, e.role)
		}
	}
}

// wantStored uploads what waits, and checks the days.
func (k *killing) wantStored(want []string) {
	k.t.Helper()
	w, err := openWriter(k.t.Context(), k.path("spool"), k.path("store"), 0)
	if err != nil {
		k.t.Fatal(err)
	}
	defer w.Close()
	if err := w.Flush(k.t.Context()); err != nil {
		k.t.Fatal(err)
	}
	times, stored := map[string]int{}, readDays(k.t, k.path("store"))
	for _, fetch := range stored {
		times[fetch]++
	}
	for _, fetch := range want {
		if times[fetch] != 1 {
			k.t.Errorf("stored %d times: %.90s", times[fetch], fetch)
		}
		delete(times, fetch)
	}
	if len(times) > 0 {
		k.t.Errorf("%d fetches that nobody published are stored", len(times))
	}
	wantOrdered(k.t, stored)
}

// wantOrdered checks that the fetches of a machine are in their day in the order in which it
// has published them.
func wantOrdered(t *testing.T, stored []string) {
	t.Helper()
	previous := map[string]string{} // ids, by day and machine
	for _, text := range stored {
		var fetch struct {
			Header struct {
				ID string `json:"random_fetch_id"`
				At string `json:"nyc_timestamp"`
			} `json:"FETCH_HEADER"`
		}
		if err := json.Unmarshal([]byte(text), &fetch); err != nil {
			t.Fatal(err)
		}
		day, _, _ := strings.Cut(fetch.Header.At, " ")
		machine, _, _ := strings.Cut(fetch.Header.ID, "-")
		if before := previous[day+machine]; before >= fetch.Header.ID {
			t.Errorf("%s: %s comes after %s", day, fetch.Header.ID, before)
		}
		previous[day+machine] = fetch.Header.ID
	}
}

// network is between the processes and the server, which has another port each time.
type network struct {
	listener net.Listener

	mu     sync.Mutex // guards the rest
	target string
	moved  chan struct{} // closed when there is another target
	open   map[net.Conn]bool
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &network{listener: listener, moved: make(chan struct{}), open: map[net.Conn]bool{}}
	t.Cleanup(func() { listener.Close(); n.cut() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go n.join(t.Context(), client)
		}
	}()
	return n
}

func (n *network) url() string { return fmt.Sprintf("nats://%v", n.listener.Addr()) }

func (n *network) setTarget(address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.target = address
	close(n.moved)
	n.moved = make(chan struct{})
}

// dial connects to the server, which may have yet to start.
func (n *network) dial(ctx context.Context) (net.Conn, error) {
	for {
		n.mu.Lock()
		target, moved := n.target, n.moved
		n.mu.Unlock()
		server, err := new(net.Dialer).DialContext(ctx, "tcp", target)
		if err == nil {
			return server, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// join connects a client with the server, until one of them ends it.
func (n *network) join(ctx context.Context, client net.Conn) {
	defer client.Close()
	n.note(client, true)
	defer n.note(client, false)
	server, err := n.dial(ctx)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		io.Copy(server, client)
		server.Close()
	}()
	io.Copy(client, server)
}

func (n *network) note(conn net.Conn, open bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if open {
		n.open[conn] = true
	} else {
		delete(n.open, conn)
	}
}

// cut cuts all connections.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for conn := range n.open {
		conn.Close()
	}
}
