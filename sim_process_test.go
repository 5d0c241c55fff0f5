package rotatelog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/vfs"
	"example.com/rotatelog/storetest"
)

// process is a Writer with the disk, the store and the clock as it sees them.
type process struct {
	*host
	id    int
	label string // unique among the processes of all hosts
	w     *rotatelog.Writer
	store storetest.Faulty

	excused bool // that Close fails is no news
	// host.mu guards these.
	dead bool
	doom int // how many operations of the disk until it is killed; 0: it lives
}

var errKilled = errors.New("this process was killed")

// pause waits as long as an event of the test takes. What began at the instant
// before has settled when it returns.
func (p *process) pause(what string) { p.pauseAs(theTest, what) }

// pauseAs is pause for an event of a goroutine.
func (p *process) pauseAs(who func() string, what string) {
	p.sleepAs(context.Background(), p.name(who, what), p.latency(what))
}

// name names what a goroutine is about to do. Of those that append, one at a time
// uses the disk.
func (p *process) name(who func() string, what string) func() string {
	return func() string { return fmt.Sprintf("%d.%d %s %s", p.host.id, p.id, who(), what) }
}

// The goroutines of a process.
const (
	byTest      = "test" // calls Open, Append, Flush, Close
	byPublisher = "publisher"
	byWatcher   = "midnight"
)

func theTest() string { return byTest }

// goroutines says which of them begins with a function of the library. They are
// named after this, and not after the function, so that renaming it does not change
// every history. The goroutine of a day is not here: its disk is Named, and the
// calls of the store have keys.
var goroutines = map[string]string{
	"(*publisher).run":           byPublisher,
	"(*publisher).run.func1":     byWatcher,
	"(*publisher).watchMidnight": byWatcher,
}

// goroutine returns which goroutine is calling. named is the name that the library
// gives it, if any; the test's goroutines may use another's disk.
func (p *process) goroutine(named string) string {
	begins := beginning()
	if begins == "" {
		return byTest
	}
	if named != "" {
		return named
	}
	who, ok := goroutines[begins]
	if !ok {
		p.t.Errorf("a goroutine that begins with %s uses the disk or the clock; say in the map goroutines which it is, or give it a disk that is Named", begins)
		return begins
	}
	return who
}

// beginning returns the function of the library with which the calling goroutine
// begins, "" if it is the test's.
func beginning() string {
	var callers [64]uintptr
	for _, pc := range slices.Backward(callers[:runtime.Callers(0, callers[:])]) {
		name := runtime.FuncForPC(pc - 1).Name()
		if strings.HasPrefix(name, "example.com/rotatelog_test.") {
			return ""
		}
		if name, ok := strings.CutPrefix(name, "example.com/rotatelog."); ok {
			return name
		}
	}
	return ""
}

// latency returns some nanoseconds, and now and then more, on a disk that stalls.
func (p *process) latency(what string) time.Duration {
	rng := p.draw(p.label, what)
	if p.stalls && rng.IntN(50) == 0 {
		return time.Duration(rng.Int64N(int64(2 * time.Second)))
	}
	return 1 + time.Duration(rng.Int64N(int64(100*time.Microsecond)))
}

// begin lets time pass for an operation of the disk that a goroutine asks for, and
// then the process may be dead.
func (p *process) begin(who func() string, what string) error {
	p.pauseAs(who, what)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.doom > 0 {
		p.doom--
		p.dead = p.dead || p.doom == 0
	}
	if p.dead {
		return errKilled
	}
	return nil
}

// isDead reports whether the process was killed, or its host lost power.
func (p *process) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead || p.down
}

func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
}

// Now and Sleep make a process its own Clock, and that of its store.

func (p *process) Now() time.Time { return p.clock.Now() }

func (p *process) Sleep(ctx context.Context, d time.Duration) error {
	who := func() string {
		if call, ok := ctx.Value(callOfStore{}).(string); ok {
			return call
		}
		return p.goroutine("")
	}
	err := p.sleepAs(ctx, p.name(who, "wake"), d+p.latency("wake"))
	if err != nil {
		p.pauseAs(who, "woken") // whoever ended ctx may have woken others too
	}
	return err
}

// processStore is the store as a process sees it.
type processStore struct{ *process }

// callOfStore is what the context of a call of the store has the name of the call
// under: who waits for the store is the call, whatever goroutine makes it. Only the first
// look at today's object may come while the day's own goroutine does the same.
type callOfStore struct{}

func callAs(ctx context.Context, name, key string) context.Context {
	if strings.HasPrefix(beginning(), "(*publisher).lookAtToday.") {
		name = "look: " + name
	}
	return context.WithValue(ctx, callOfStore{}, name+" "+key)
}

func (s processStore) SingleWriter() bool { return s.blind }

func (s processStore) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	return s.store.Stat(callAs(ctx, "stat", key), key)
}

func (s processStore) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	return s.store.Read(callAs(ctx, "read", key), key, v, off, n)
}

func (s processStore) Write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	return s.store.Write(callAs(ctx, "write", key), key, old, parts, meta)
}

// A processStore is an IntentWriter where the store is.

func (s processStore) WriteIntent(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string, note func(string) error) error {
	return s.store.WriteIntent(callAs(ctx, "write", key), key, old, parts, meta, note)
}

func (s processStore) Resolve(ctx context.Context, text string, note func(string) error) error {
	return s.store.Resolve(callAs(ctx, "settle", keyOfNote(text)), text, note)
}

func (s processStore) Prove(ctx context.Context, key, known string) (string, error) {
	return s.store.Prove(callAs(ctx, "prove", key), key, known)
}

func (s processStore) Location() string { return s.store.Location() }

func (s processStore) Sweep(ctx context.Context, key string, keep []string) error {
	return s.store.Sweep(callAs(ctx, "sweep", key), key, keep)
}

func (s processStore) MinCopy() int64 { return s.store.MinCopy() }

// keyOfNote returns the key that a note of a write is about: one of an S3Store, or
// of a notedStore.
func keyOfNote(text string) string {
	var note struct{ Key string }
	if json.Unmarshal([]byte(text), &note) == nil {
		return note.Key
	}
	_, key, _ := strings.Cut(text, " ")
	return key
}

// blindStore applies a write to whatever version there is.
type blindStore struct{ objects }

func (s blindStore) Write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	now, err := s.Stat(ctx, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.objects.Write(ctx, key, now.Version, parts, meta)
}

// notedStore is a rotatelog.IntentWriter that leaves nothing behind after a write.
type notedStore struct {
	objects
	t *testing.T
}

func (s notedStore) WriteIntent(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string, note func(string) error) error {
	for _, state := range []string{"begun ", "sent "} {
		if err := note(state + key); err != nil {
			return err
		}
	}
	err := s.Write(ctx, key, old, parts, meta)
	note("")
	return err
}

// Resolve wants a note as it was written, whatever became of the disk meanwhile.
func (s notedStore) Resolve(_ context.Context, text string, _ func(string) error) error {
	if state, key, _ := strings.Cut(text, " "); state != "begun" && state != "sent" || !strings.HasSuffix(key, ".json") {
		s.t.Errorf("settles %q", text)
	}
	return nil
}

func (s notedStore) Sweep(context.Context, string, []string) error { return nil }

// MinCopy is small, so that days exceed it soon; below it, the spool keeps the last
// body.
func (s notedStore) MinCopy() int64 { return 800 }

// processFS is the host's disk as a process sees it: slow, and useless once the
// process is dead.
type processFS struct {
	vfs.FS
	p   *process
	who string // uses it, if it is Named
}

// Named returns the disk as the goroutine of that name sees it.
func (f processFS) Named(name string) vfs.FS {
	f.who = name
	return f
}

// begin is process.begin for whoever uses the disk.
func (f processFS) begin(what string) error {
	return f.p.begin(func() string { return f.p.goroutine(f.who) }, what)
}

func (f processFS) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	if err := f.begin("open " + name); err != nil {
		return nil, err
	}
	file, err := f.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return processFile{file, f, name}, nil
}

func (f processFS) Mkdir(name string, perm fs.FileMode) error {
	if err := f.begin("mkdir " + name); err != nil {
		return err
	}
	return f.FS.Mkdir(name, perm)
}

func (f processFS) Rename(oldname, newname string) error {
	if err := f.begin("rename " + oldname); err != nil {
		return err
	}
	return f.FS.Rename(oldname, newname)
}

func (f processFS) Link(oldname, newname string) error {
	if err := f.begin("link " + oldname); err != nil {
		return err
	}
	return f.FS.Link(oldname, newname)
}

func (f processFS) Remove(name string) error {
	if err := f.begin("remove " + name); err != nil {
		return err
	}
	return f.FS.Remove(name)
}

func (f processFS) Chmod(name string, perm fs.FileMode) error {
	if err := f.begin("chmod " + name); err != nil {
		return err
	}
	return f.FS.Chmod(name, perm)
}

func (f processFS) Stat(name string) (vfs.Info, error) {
	if err := f.begin("stat " + name); err != nil {
		return vfs.Info{}, err
	}
	return f.FS.Stat(name)
}

func (f processFS) ReadDir(name string) ([]string, error) {
	if err := f.begin("readdir " + name); err != nil {
		return nil, err
	}
	return f.FS.ReadDir(name)
}

func (f processFS) SyncDir(name string) error {
	if err := f.begin("syncdir " + name); err != nil {
		return err
	}
	return f.FS.SyncDir(name)
}

func (f processFS) Lock(name string) (io.Closer, error) {
	if err := f.begin("lock " + name); err != nil {
		return nil, err
	}
	return f.FS.Lock(name)
}

// processFile is an open file of a process. Closing works after death: the
// system does it.
type processFile struct {
	vfs.File
	fs   processFS
	name string
}

func (f processFile) ReadAt(b []byte, off int64) (int, error) {
	if err := f.fs.begin("read " + f.name); err != nil {
		return 0, err
	}
	return f.File.ReadAt(b, off)
}

func (f processFile) WriteAt(b []byte, off int64) (int, error) {
	if err := f.fs.begin("write " + f.name); err != nil {
		return 0, err
	}
	return f.File.WriteAt(b, off)
}

func (f processFile) Truncate(size int64) error {
	if err := f.fs.begin("truncate " + f.name); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f processFile) Sync() error {
	if err := f.fs.begin("sync " + f.name); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f processFile) Stat() (vfs.Info, error) {
	if err := f.fs.begin("fstat " + f.name); err != nil {
		return vfs.Info{}, err
	}
	return f.File.Stat()
}

func (f processFile) Chmod(perm fs.FileMode) error {
	if err := f.fs.begin("fchmod " + f.name); err != nil {
		return err
	}
	return f.File.Chmod(perm)
}
