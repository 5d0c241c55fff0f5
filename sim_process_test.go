package rotatelog_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
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
	w     *rotatelog.Writer
	store storetest.Faulty

	excused bool // that Close fails is no news
	// host.mu guards these.
	dead bool
	doom int // how many operations of the disk until it is killed; 0: it lives
}

var errKilled = errors.New("this process was killed")

// pause takes the time that an event takes. What was set going at the instant
// before has come to rest when it returns.
func (p *process) pause(what string) {
	name := p.name(what)
	p.sleep(context.Background(), name, p.latency(p.draw(name)))
}

// name names what the calling goroutine is about to do, after where it entered
// the library: a stream of random numbers is then one goroutine's. Of those that
// append, one at a time uses the disk.
func (p *process) name(what string) string {
	return fmt.Sprintf("%d.%d %s %s", p.host.id, p.id, entry(), what)
}

// entry returns the function of the library that the calling goroutine called
// first, or began with; "" if it is not in the library.
func entry() string {
	var callers [64]uintptr
	for _, pc := range slices.Backward(callers[:runtime.Callers(0, callers[:])]) {
		if name, ok := strings.CutPrefix(runtime.FuncForPC(pc-1).Name(), "example.com/rotatelog."); ok {
			return name
		}
	}
	return ""
}

// latency returns some nanoseconds, and on a disk that stalls now and then more.
func (p *process) latency(rng *rand.Rand) time.Duration {
	if p.stalls && rng.IntN(50) == 0 {
		return time.Duration(rng.Int64N(int64(2 * time.Second)))
	}
	return 1 + time.Duration(rng.Int64N(int64(100*time.Microsecond)))
}

// begin lets time pass for an operation of the disk, and then the process may
// be dead.
func (p *process) begin(what string) error {
	p.pause(what)
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
	name := p.name("wake")
	err := p.sleep(ctx, name, d+p.latency(p.draw(name)))
	if err != nil {
		p.pause("woken") // whoever ended ctx may have woken others too
	}
	return err
}

// processStore is the store as a process sees it.
type processStore struct{ *process }

func (s processStore) Exclusive() bool { return s.blind }

func (s processStore) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	return s.store.Stat(ctx, key)
}

func (s processStore) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	return s.store.Read(ctx, key, v, off, n)
}

func (s processStore) Write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	return s.store.Write(ctx, key, old, parts, meta)
}

// A processStore is a Multipart where the store is.

func (s processStore) WriteNoted(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string, note func(string) error) error {
	return s.store.WriteNoted(ctx, key, old, parts, meta, note)
}

func (s processStore) Settle(ctx context.Context, text string, note func(string) error) error {
	return s.store.Settle(ctx, text, note)
}

func (s processStore) Prove(ctx context.Context, key, known string) (string, error) {
	return s.store.Prove(ctx, key, known)
}

func (s processStore) Location() string { return s.store.Location() }

func (s processStore) Sweep(ctx context.Context, key string) error { return s.store.Sweep(ctx, key) }

func (s processStore) LeastCopy() int64 { return s.store.LeastCopy() }

// blindStore applies a write to whatever version there is.
type blindStore struct{ objects }

func (s blindStore) Write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	now, err := s.Stat(ctx, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.objects.Write(ctx, key, now.Version, parts, meta)
}

// notedStore is a rotatelog.Multipart, of which nothing remains after a write.
type notedStore struct {
	objects
	t *testing.T
}

func (s notedStore) WriteNoted(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string, note func(string) error) error {
	for _, state := range []string{"begun ", "sent "} {
		if err := note(state + key); err != nil {
			return err
		}
	}
	err := s.Write(ctx, key, old, parts, meta)
	note("")
	return err
}

// Settle wants a note as it was written, whatever became of the disk meanwhile.
func (s notedStore) Settle(_ context.Context, text string, _ func(string) error) error {
	if state, key, _ := strings.Cut(text, " "); state != "begun" && state != "sent" || !strings.HasSuffix(key, ".json") {
		s.t.Errorf("settles %q", text)
	}
	return nil
}

func (s notedStore) Sweep(context.Context, string) error { return nil }

// LeastCopy has days pass it soon; below, the spool keeps the last body.
func (s notedStore) LeastCopy() int64 { return 800 }

// processFS is the host's disk as a process sees it: slow, and useless once the
// process is dead.
type processFS struct {
	vfs.FS
	p *process
}

func (f processFS) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	if err := f.p.begin("open " + name); err != nil {
		return nil, err
	}
	file, err := f.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return processFile{file, f.p, name}, nil
}

func (f processFS) Mkdir(name string, perm fs.FileMode) error {
	if err := f.p.begin("mkdir " + name); err != nil {
		return err
	}
	return f.FS.Mkdir(name, perm)
}

func (f processFS) Rename(oldname, newname string) error {
	if err := f.p.begin("rename " + oldname); err != nil {
		return err
	}
	return f.FS.Rename(oldname, newname)
}

func (f processFS) Link(oldname, newname string) error {
	if err := f.p.begin("link " + oldname); err != nil {
		return err
	}
	return f.FS.Link(oldname, newname)
}

func (f processFS) Remove(name string) error {
	if err := f.p.begin("remove " + name); err != nil {
		return err
	}
	return f.FS.Remove(name)
}

func (f processFS) Chmod(name string, perm fs.FileMode) error {
	if err := f.p.begin("chmod " + name); err != nil {
		return err
	}
	return f.FS.Chmod(name, perm)
}

func (f processFS) Stat(name string) (vfs.Info, error) {
	if err := f.p.begin("stat " + name); err != nil {
		return vfs.Info{}, err
	}
	return f.FS.Stat(name)
}

func (f processFS) ReadDir(name string) ([]string, error) {
	if err := f.p.begin("readdir " + name); err != nil {
		return nil, err
	}
	return f.FS.ReadDir(name)
}

func (f processFS) SyncDir(name string) error {
	if err := f.p.begin("syncdir " + name); err != nil {
		return err
	}
	return f.FS.SyncDir(name)
}

func (f processFS) Lock(name string) (io.Closer, error) {
	if err := f.p.begin("lock " + name); err != nil {
		return nil, err
	}
	return f.FS.Lock(name)
}

// processFile is an open file of a process. Closing works after death: the
// system does it.
type processFile struct {
	vfs.File
	p    *process
	name string
}

func (f processFile) ReadAt(b []byte, off int64) (int, error) {
	if err := f.p.begin("read " + f.name); err != nil {
		return 0, err
	}
	return f.File.ReadAt(b, off)
}

func (f processFile) WriteAt(b []byte, off int64) (int, error) {
	if err := f.p.begin("write " + f.name); err != nil {
		return 0, err
	}
	return f.File.WriteAt(b, off)
}

func (f processFile) Truncate(size int64) error {
	if err := f.p.begin("truncate " + f.name); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f processFile) Sync() error {
	if err := f.p.begin("sync " + f.name); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f processFile) Stat() (vfs.Info, error) {
	if err := f.p.begin("fstat " + f.name); err != nil {
		return vfs.Info{}, err
	}
	return f.File.Stat()
}

func (f processFile) Chmod(perm fs.FileMode) error {
	if err := f.p.begin("fchmod " + f.name); err != nil {
		return err
	}
	return f.File.Chmod(perm)
}
