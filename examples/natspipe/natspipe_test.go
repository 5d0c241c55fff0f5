package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
)

// TestMain lets the test binary be the program, for tests that kill it. It then ends when
// the test does: its standard input is a pipe from there.
func TestMain(m *testing.M) {
	if os.Getenv("NATSPIPE_PROGRAM") != "" {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			os.Exit(1)
		}()
		main()
		return
	}
	os.Exit(m.Run())
}

// made is when the fetches of the tests begin: 20 minutes before midnight.
var made = time.Date(2025, time.July, 11, 3, 40, 0, 0, time.UTC)

// newFetch returns a fetch of a machine: one a minute, and after 40 minutes again from the
// beginning, so that midnight comes often.
func newFetch(t *testing.T, machine string, n, size int) string {
	t.Helper()
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	at := made.Add(time.Duration(n%40) * time.Minute).In(newYork).Format(rotatelog.TimeLayout)
	return fmt.Sprintf(`{"FETCH_HEADER":{"random_fetch_id":"%s-%05d","nyc_timestamp":%q},"RAW_API_DATA":%q,"FETCH_FOOTER":{"total_matches":45}}`,
		machine, n, at, strings.Repeat("x", size))
}

// fill writes fetches into an outbox, as a pipeline does.
func fill(t *testing.T, outbox, machine string, texts ...string) {
	t.Helper()
	if err := os.MkdirAll(outbox, 0o700); err != nil {
		t.Fatal(err)
	}
	for n, text := range texts {
		name := filepath.Join(outbox, fmt.Sprintf("%s-%05d.json", machine, n))
		if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name+".new", name); err != nil {
			t.Fatal(err)
		}
	}
}

// pipe is a server in this process, and the consumer's directories.
type pipe struct {
	t       *testing.T
	url     string
	js      jetstream.JetStream
	dir     string // the Writer's
	store   string
	outbox  string
	w       *rotatelog.Writer
	arrived jetstream.MessagesContext
	out     bytes.Buffer // of the consumer
}

func newPipe(t *testing.T) *pipe {
	t.Helper()
	p := &pipe{t: t, dir: t.TempDir(), store: t.TempDir(), outbox: t.TempDir()}
	p.url = startServer(t)
	js, err := connect(p.url, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(js.Conn().Close)
	p.js = js
	if p.w, err = openWriter(t.Context(), p.dir, p.store, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.w.Close() })
	if p.arrived, err = subscribe(t.Context(), js, time.Hour); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.arrived.Stop)
	return p
}

// startServer runs the server and returns its URL.
func startServer(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	dir := t.TempDir()
	go func() {
		err := run(ctx, in, []string{"-port", "-1", "serve", dir})
		in.CloseWithError(err)
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(strings.TrimSpace(line), "serving ")
}

// publish publishes what is in the outbox.
func (p *pipe) publish() error {
	return run(p.t.Context(), io.Discard, []string{"-timeout", "1m", "publish", p.url, p.outbox})
}

// consume has the next fetch handled.
func (p *pipe) consume(seen func(jetstream.Msg) jetstream.Msg) error {
	p.t.Helper()
	msg, err := p.arrived.Next(jetstream.NextContext(p.t.Context()))
	if err != nil {
		p.t.Fatal(err)
	}
	return handle(p.t.Context(), &p.out, p.w, p.js, seen(msg))
}

// same leaves a message as it is.
func same(msg jetstream.Msg) jetstream.Msg { return msg }

// unheard is a message whose ack gets lost; the server then delivers it again.
type unheard struct{ jetstream.Msg }

func (m unheard) DoubleAck(context.Context) error {
	return errors.Join(errors.New("connection reset"), m.Nak())
}

func lose(msg jetstream.Msg) jetstream.Msg { return unheard{msg} }

// verbs returns what the consumer has said of the fetches, in order.
func (p *pipe) verbs() (verbs []string) {
	for line := range strings.Lines(p.out.String()) {
		verb, _, _ := strings.Cut(line, " ")
		verbs = append(verbs, verb)
	}
	return verbs
}

// wantStored checks that the days have exactly these fetches.
func (p *pipe) wantStored(want ...string) {
	p.t.Helper()
	if err := p.w.Flush(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	got := readDays(p.t, p.store)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		p.t.Errorf("stored:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// readDays returns the fetches of all days of a store. One that is in the object of
// another day than its own is an error.
func readDays(t *testing.T, folder string) (fetches []string) {
	t.Helper()
	store, err := dirstore.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	archive := rotatelog.Archive{Store: store}
	for n := range 2 {
		day := rotatelog.DayOf(made.AddDate(0, 0, n-1), time.UTC)
		reader, err := archive.Open(t.Context(), day)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for upload, err := range reader.Uploads(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			for fetch, err := range upload.Fetches() {
				if err != nil {
					t.Fatal(err)
				}
				fetches = append(fetches, string(fetch))
				wantDay(t, fetch, day)
			}
		}
	}
	return fetches
}

func wantDay(t *testing.T, fetch []byte, day rotatelog.Day) {
	t.Helper()
	at, err := rotatelog.HeaderTime(fetch)
	if err != nil {
		t.Fatal(err)
	}
	if own := rotatelog.DayOf(at, at.Location()); own != day {
		t.Errorf("in the object of %v is a fetch of %v: %.100s", day, own, fetch)
	}
}

// TestRedeliveredFetchIsStoredOnce: Append returned, but the ack got lost.
func TestRedeliveredFetchIsStoredOnce(t *testing.T) {
	p := newPipe(t)
	first, second := newFetch(t, "a", 0, 10), newFetch(t, "a", 1, 10)
	fill(t, p.outbox, "a", first, second)
	if err := p.publish(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.consume(lose); err == nil {
			t.Error("nobody says that the ack got lost")
		}
	}
	for range 2 {
		if err := p.consume(same); err != nil {
			t.Error(err)
		}
	}
	if got, want := p.verbs(), []string{"stored", "known", "known", "stored"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	p.wantStored(first, second)
}

// TestFetchThatCannotBeAppendedStaysInTheStream, as it does while the disk is full.
func TestFetchThatCannotBeAppendedStaysInTheStream(t *testing.T) {
	p := newPipe(t)
	fetch := newFetch(t, "a", 0, 10)
	fill(t, p.outbox, "a", fetch)
	if err := p.publish(); err != nil {
		t.Fatal(err)
	}
	if err := p.w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.consume(same); !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v", err)
	}
	if n := p.inStream(fetches); n != 1 {
		t.Fatalf("%d fetches are in the stream", n)
	}
	var err error
	if p.w, err = openWriter(t.Context(), p.dir, p.store, 0); err != nil {
		t.Fatal(err)
	}
	if err := p.consume(same); err != nil {
		t.Error(err)
	}
	p.wantStored(fetch)
}

// TestFetchPublishedTwiceIsStoredOnce: the publisher did not hear that the fetch is in the
// stream, and the server no longer knows its id when it is published again.
func TestFetchPublishedTwiceIsStoredOnce(t *testing.T) {
	p := newPipe(t)
	fetch := newFetch(t, "a", 0, 10)
	if _, err := p.js.Publish(t.Context(), fetches, []byte(fetch)); err != nil {
		t.Fatal(err)
	}
	fill(t, p.outbox, "a", fetch)
	if err := p.publish(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.consume(same); err != nil {
			t.Error(err)
		}
	}
	if got, want := p.verbs(), []string{"stored", "known"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	p.wantStored(fetch)
}

// TestServerKnowsAnIDForAWhile: published again at once, a fetch is in the stream once.
func TestServerKnowsAnIDForAWhile(t *testing.T) {
	p := newPipe(t)
	for range 2 {
		fill(t, p.outbox, "a", newFetch(t, "a", 0, 10))
		if err := p.publish(); err != nil {
			t.Fatal(err)
		}
	}
	if n := p.inStream(fetches); n != 1 {
		t.Errorf("%d fetches are in the stream", n)
	}
}

// inStream returns how many fetches a stream has.
func (p *pipe) inStream(name string) uint64 {
	p.t.Helper()
	stream, err := p.js.Stream(p.t.Context(), name)
	if err != nil {
		p.t.Fatal(err)
	}
	return stream.CachedInfo().State.Msgs
}

// TestWhatIsNoFetchIsPutAside: it is not lost, and not in the way of the next one.
func TestWhatIsNoFetchIsPutAside(t *testing.T) {
	p := newPipe(t)
	fetch := newFetch(t, "a", 1, 10)
	fill(t, p.outbox, "a", `{"error":"it has no time"}`, fetch)
	if err := p.publish(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.consume(same); err != nil {
			t.Error(err)
		}
	}
	if aside, left := p.inStream(rejected), p.inStream(fetches); aside != 1 || left != 0 {
		t.Errorf("%d put aside, %d left in the stream", aside, left)
	}
	p.wantStored(fetch)
}

// TestFullStreamKeepsFetchesInTheOutbox, until the consumer has made room.
func TestFullStreamKeepsFetchesInTheOutbox(t *testing.T) {
	p := newPipe(t)
	stream, err := p.js.Stream(t.Context(), fetches)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	config.MaxBytes = 4 << 10
	if _, err := p.js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for n := range 10 {
		texts = append(texts, newFetch(t, "a", n, 1000))
	}
	fill(t, p.outbox, "a", texts...)

	if err := p.publish(); err == nil || !strings.Contains(err.Error(), "maximum bytes exceeded") {
		t.Fatalf("error %v", err)
	}
	room := int(p.inStream(fetches))
	if names, err := filepath.Glob(filepath.Join(p.outbox, "*.json")); room == 0 || len(names) != len(texts)-room || err != nil {
		t.Fatalf("%d fetches are in the stream, %d in the outbox; %v", room, len(names), err)
	}
	for range room {
		if err := p.consume(same); err != nil {
			t.Error(err)
		}
	}
	config.MaxBytes = 1 << 20
	if _, err := p.js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if err := p.publish(); err != nil {
		t.Error(err)
	}
	for range len(texts) - room {
		if err := p.consume(same); err != nil {
			t.Error(err)
		}
	}
	p.wantStored(texts...)
}

// TestTooLargeFetchStaysInTheOutbox, and the others are published.
func TestTooLargeFetchStaysInTheOutbox(t *testing.T) {
	p := newPipe(t)
	fetch, large := newFetch(t, "a", 1, 10), newFetch(t, "a", 0, maxFetch)
	fill(t, p.outbox, "a", large, fetch)
	if err := p.publish(); err == nil || !strings.Contains(err.Error(), "a-00000.json stays") {
		t.Errorf("error %v", err)
	}
	if err := p.consume(same); err != nil {
		t.Error(err)
	}
	p.wantStored(fetch)
	if _, err := os.Stat(filepath.Join(p.outbox, "a-00000.json")); err != nil {
		t.Error(err)
	}
}

// TestUsage: the usage says what to type, and a role without its operands is refused.
func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"serve"}, {"publish", "nats://127.0.0.1"}, {"consume", "a", "b"}, {"eat", "a"}} {
		if err := run(t.Context(), io.Discard, args); err == nil || !strings.Contains(err.Error(), "usage: natspipe") {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// TestLessonIsShort: the program and its README.md have at most 300 lines, and what the one
// rests on is in the other.
func TestLessonIsShort(t *testing.T) {
	var program strings.Builder
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, "_test.go") {
			program.WriteString(readFile(t, name))
		}
	}
	readme := readFile(t, "README.md")
	if n := strings.Count(program.String()+readme, "\n"); n > 300 {
		t.Errorf("%d lines", n)
	}
	for _, word := range []string{"AckWait", "DiscardNew", "Identity", "MaxAckPending", "SyncAlways", "WorkQueuePolicy"} {
		if !strings.Contains(program.String(), word) || !strings.Contains(readme, "`"+word+"`") && !strings.Contains(readme, "."+word+"`") {
			t.Errorf("%s is not in both", word)
		}
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
