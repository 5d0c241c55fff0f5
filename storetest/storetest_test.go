package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"example.com/rotatelog"
)

func TestMemKeepsTheContract(t *testing.T) {
	Run(t, func(t *testing.T) rotatelog.Store { return NewMem() })
}

func TestFaultyWithoutFaults(t *testing.T) {
	Run(t, func(t *testing.T) rotatelog.Store { return &Faulty{Store: NewMem()} })
}

// A shared Store is like a bucket.
func TestOneStoreForAllCases(t *testing.T) {
	s := NewMem()
	for range 2 {
		Run(t, func(t *testing.T) rotatelog.Store { return s })
	}
}

// TestSuiteCatches runs the suite against Stores that break one sentence each.
func TestSuiteCatches(t *testing.T) {
	const (
		absence  = "Stat must match fs.ErrNotExist if, and only if, there is no object"
		current  = "Stat describes the current version"
		zero     = "no Store may return the zero Version with a nil error"
		differ   = "versions with different contents must have different Versions"
		object   = "all of an Object must belong to one version"
		ranges   = "Read returns n bytes at off"
		rest     = "a negative n means all from off on"
		pastEnd  = "a range that goes past the end must be an error"
		stale    = "Read of a version that is no longer current must match ErrConflict"
		replaced = "the reader must never yield bytes of another version"
		parts    = "Write replaces the object by the concatenation of parts"
		large    = "a large object is kept whole"
		many     = "many parts are as good as one"
		badCopy  = "a copy of what the old version does not have is an error, and changes nothing"
		creates  = "the zero Version means that there must be no object"
		replaces = "Write applies if, and only if, the current version is old"
		keeps    = "Write must not change or keep parts, their Data, or meta"
		meta     = "metadata is as written, and of its version"
		metaAll  = "metadata may be any printable ASCII, of nearly 2 KB"
		apart    = "a Store is a map from key to object"
		done     = "every method must return soon after ctx is done"
		whole    = "readers must see the version before or the version after, whole"
		atMost   = "of concurrent writes over one version at most one is applied"
		nothing  = "concurrent appends lose nothing"
	)
	caught := map[string]bool{}
	for _, m := range []struct {
		name  string
		fails string
		make  func(*Mem) rotatelog.Store
	}{
		{"takes every error for absence", absence, everyErrorIsAbsence},
		{"has directories for objects", absence, statPrefixes},
		{"answers absence with an odd error", absence, oddAbsence},
		{"remembers the first Stat", current, cachedStat},
		{"answers absence with the zero Object", zero, zeroForAbsent},
		{"gives the zero Version", zero, zeroVersions},
		{"names versions by size", differ, sizeVersions},
		{"joins the size and an older Meta", object, staleMeta},
		{"reads from the start", ranges, badRead(func(off, n int64) (int64, int64) { return 0, n })},
		{"reads a byte more", ranges, badRead(func(off, n int64) (int64, int64) { return off, n + 1 })},
		{"reads all for n 0", ranges, badRead(func(off, n int64) (int64, int64) { return off, nonZero(n) })},
		{"reads nothing for a negative n", rest, badRead(func(off, n int64) (int64, int64) { return off, max(n, 0) })},
		{"reads short at the end", pastEnd, shortRead},
		{"reads whatever is there", stale, readCurrent},
		{"says that a stale version is not there", stale, staleIsAbsent},
		{"reads lazily", replaced, lazyRead},
		{"ends early when replaced", replaced, truncatedRead},
		{"leaves out the last part", parts, badParts(func(p []rotatelog.Part) []rotatelog.Part { return p[:max(0, len(p)-1)] })},
		{"puts copies first", parts, badParts(copiesFirst)},
		{"takes empty Data for a copy", parts, badParts(dropEmpty)},
		{"never writes an empty object", parts, neverEmpty},
		{"keeps 1 MiB", large, keepsFirst(1 << 20)},
		{"keeps 256 parts", many, badParts(func(p []rotatelog.Part) []rotatelog.Part { return p[:min(256, len(p))] })},
		{"copies what there is", badCopy, clampedCopy},
		{"writes what comes before a bad copy", badCopy, halfBadCopy},
		{"creates over what is there", creates, overwritesOn(func(old rotatelog.Version) bool { return old == "" })},
		{"says that it created the same content", creates, createIsIdempotent},
		{"ignores the old version", replaces, overwritesOn(func(old rotatelog.Version) bool { return old != "" })},
		{"replaces what is not there", replaces, createsWithVersion},
		{"conflicts without saying so", replaces, silentConflict},
		{"conflicts with an odd error", replaces, oddConflict},
		{"applies and says conflict", replaces, appliesAndConflicts},
		{"takes the stale metadata", replaces, staleMetaApplied},
		{"keeps the Data", keeps, keepsData},
		{"keeps the map", keeps, keepsMeta},
		{"appends to the Data", keeps, appendsToData},
		{"changes the parts", keeps, changesParts},
		{"adds to the map", keeps, func(s *Mem) rotatelog.Store {
			return badMeta(s, func(m map[string]string) map[string]string {
				if m != nil {
					m["written-by"] = "broken"
				}
				return m
			})
		}},
		{"merges metadata", meta, mergedMeta},
		{"keeps metadata of 1 KB", metaAll, func(s *Mem) rotatelog.Store {
			return badMeta(s, func(m map[string]string) map[string]string {
				m = maps.Clone(m)
				maps.DeleteFunc(m, func(_, v string) bool { return len(v) > 1<<10 })
				return m
			})
		}},
		{"unquotes metadata", metaAll, func(s *Mem) rotatelog.Store {
			return badMeta(s, func(m map[string]string) map[string]string {
				m = maps.Clone(m)
				for k, v := range m {
					m[k] = strings.ReplaceAll(v, `"`, "")
				}
				return m
			})
		}},
		{"keeps no letters beyond ASCII in keys", apart, badKeys(strings.NewReplacer("日", "", "本", "", "ü", "u", " ", "+"))},
		{"unescapes keys", apart, badKeys(strings.NewReplacer("%20", " ", "%2F", "/"))},
		{"drops the query", apart, badKeys(strings.NewReplacer("?b", "", "#b", ""))},
		{"ignores ctx", done, ignoresContext},
		{"writes in two steps", whole, writesInSteps},
		{"compares before it locks", atMost, comparesEarly},
		{"compares before it locks", nothing, comparesEarly},
		{"loses one append in ten", nothing, losesAppends},
		{"applies a race's losers twice", nothing, appliesTwice},
	} {
		t.Run(m.name, func(t *testing.T) { wantCaught(t, m.fails, m.make(NewMem())) })
		caught[m.fails] = true
	}
	for _, m := range brokenMultiparts() {
		t.Run(m.name, func(t *testing.T) { wantCaught(t, m.fails, m.make(newParts())) })
		caught[m.fails] = true
	}
	for _, c := range placeCases {
		t.Run(c.name, func(t *testing.T) { wantCaught(t, c.name, new(wavering)) })
		caught[c.name] = true
	}
	for _, b := range brokenStreams() {
		caught[b.fails] = true // TestSuiteCatchesBadStreams
	}
	for _, c := range allCases() {
		if !caught[c.name] {
			t.Errorf("no broken Store shows that %q can fail", c.name)
		}
	}
}

// wantCaught wants a case to fail with a Store that breaks its sentence.
func wantCaught(t *testing.T, name string, s rotatelog.Store) {
	t.Helper()
	if failures, _ := attempt(t, name, s); len(failures) == 0 {
		t.Errorf("%q passed", name)
	}
}

// What the contract allows must pass, if only by a skip.
func TestSuiteAllows(t *testing.T) {
	for _, m := range []struct {
		name  string
		skips int
		store rotatelog.Store
	}{
		{"a Store that loses metadata", 2, &Faulty{Store: NewMem(), Fault: func(Op) Fault { return Fault{DropMeta: true} }}},
		{"a Store that says nothing to the losers of a race", 0, silentLosers(NewMem())},
		{"versions that are hashes", 0, hashVersions(NewMem())},
	} {
		t.Run(m.name, func(t *testing.T) {
			skips := 0
			for _, c := range cases {
				failures, skipped := attempt(t, c.name, m.store)
				if len(failures) > 0 {
					t.Errorf("%s: %q", c.name, failures)
				}
				if skipped {
					skips++
				}
			}
			if skips != m.skips {
				t.Errorf("%d cases were skipped, want %d", skips, m.skips)
			}
		})
	}
}

// TestCompetingWritersAreSkipped for a Store whose keys have one Writer each.
func TestCompetingWritersAreSkipped(t *testing.T) {
	competing := 0
	for _, c := range allCases() {
		if c.compete {
			competing++
		}
		if got := c.skips(exclusive{NewMem()}); got != c.compete {
			t.Errorf("%s: skipped is %t for an exclusive Store", c.name, got)
		}
		if c.skips(NewMem()) {
			t.Errorf("%s is skipped for a Store whose keys may be shared", c.name)
		}
	}
	if competing != 2 {
		t.Errorf("%d cases have writers compete, want 2", competing)
	}
}

type exclusive struct{ *Mem }

func (exclusive) SingleWriter() bool { return true }

// attempt runs the case with that name, and returns how it failed.
func attempt(t *testing.T, name string, s rotatelog.Store) (failures []string, skipped bool) {
	for _, c := range allCases() {
		if c.name != name {
			continue
		}
		r := &recorder{ctx: t.Context()}
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.run(r, s, name+"/")
		}()
		<-done
		return r.failures, r.skipped
	}
	t.Fatalf("there is no case %q", name)
	return nil, false
}

// recorder has the methods of testing.TB that the cases use.
type recorder struct {
	testing.TB
	ctx      context.Context
	mu       sync.Mutex
	failures []string
	skipped  bool
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return r.ctx }

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Skipf(format string, args ...any) {
	r.skipped = true
	runtime.Goexit()
}

// wavering is a Store that describes itself differently each time.
type wavering struct {
	rotatelog.Store
	said int
}

func (w *wavering) Write(context.Context, string, rotatelog.Version, []rotatelog.Part, map[string]string) error {
	return nil
}

func (w *wavering) Stat(context.Context, string) (rotatelog.Object, error) {
	return rotatelog.Object{Version: "1"}, nil
}

func (w *wavering) Location() string { w.said++; return fmt.Sprint("place ", w.said) }
func (w *wavering) Warning() string  { w.said++; return fmt.Sprint("warning ", w.said) }

// broken is a Store with some methods replaced.
type broken struct {
	*Mem
	stat  func(ctx context.Context, key string) (rotatelog.Object, error)
	read  func(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error)
	write func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error
}

func (b broken) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	if b.stat != nil {
		return b.stat(ctx, key)
	}
	return b.Mem.Stat(ctx, key)
}

func (b broken) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	if b.read != nil {
		return b.read(ctx, key, v, off, n)
	}
	return b.Mem.Read(ctx, key, v, off, n)
}

func (b broken) Write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	if b.write != nil {
		return b.write(ctx, key, old, parts, meta)
	}
	return b.Mem.Write(ctx, key, old, parts, meta)
}

func everyErrorIsAbsence(m *Mem) rotatelog.Store {
	return broken{Mem: m, stat: func(ctx context.Context, key string) (rotatelog.Object, error) {
		o, err := m.Stat(ctx, key)
		if err != nil {
			err = fs.ErrNotExist
		}
		return o, err
	}}
}

func statPrefixes(m *Mem) rotatelog.Store {
	return broken{Mem: m, stat: func(ctx context.Context, key string) (rotatelog.Object, error) {
		for _, k := range m.Keys() {
			if strings.HasPrefix(k, key+"/") {
				return rotatelog.Object{Version: "directory"}, nil
			}
		}
		return m.Stat(ctx, key)
	}}
}

func oddAbsence(m *Mem) rotatelog.Store {
	return broken{Mem: m, stat: func(ctx context.Context, key string) (rotatelog.Object, error) {
		o, err := m.Stat(ctx, key)
		if err != nil {
			err = errors.New("404")
		}
		return o, err
	}}
}

func cachedStat(m *Mem) rotatelog.Store {
	var cache sync.Map
	return broken{Mem: m, stat: func(ctx context.Context, key string) (rotatelog.Object, error) {
		if o, ok := cache.Load(key); ok {
			return o.(rotatelog.Object), nil
		}
		o, err := m.Stat(ctx, key)
		if err == nil {
			cache.Store(key, o)
		}
		return o, err
	}}
}

func zeroForAbsent(m *Mem) rotatelog.Store {
	return broken{Mem: m, stat: func(ctx context.Context, key string) (rotatelog.Object, error) {
		o, err := m.Stat(ctx, key)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return o, err
	}}
}

func zeroVersions(m *Mem) rotatelog.Store {
	return broken{Mem: m, stat: func(ctx context.Context, key string) (rotatelog.Object, error) {
		o, err := m.Stat(ctx, key)
		o.Version = ""
		return o, err
	}}
}

// renamed gives the versions of m the names that name returns.
func renamed(m *Mem, name func(m *Mem, key string) rotatelog.Version) rotatelog.Store {
	var mu sync.Mutex
	real := func(key string, v rotatelog.Version) rotatelog.Version {
		o, ok := m.get(key)
		if v != "" && ok && name(m, key) == v {
			return o.version
		}
		if v != "" {
			return "none"
		}
		return ""
	}
	return broken{
		Mem: m,
		stat: func(ctx context.Context, key string) (rotatelog.Object, error) {
			mu.Lock()
			defer mu.Unlock()
			o, err := m.Stat(ctx, key)
			if err == nil {
				o.Version = name(m, key)
			}
			return o, err
		},
		read: func(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
			mu.Lock()
			defer mu.Unlock()
			return m.Read(ctx, key, real(key, v), off, n)
		},
		write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
			mu.Lock()
			defer mu.Unlock()
			return m.Write(ctx, key, real(key, old), parts, meta)
		},
	}
}

func sizeVersions(m *Mem) rotatelog.Store {
	return renamed(m, func(m *Mem, key string) rotatelog.Version {
		return rotatelog.Version(fmt.Sprint(len(m.Bytes(key))))
	})
}

// hashVersions is like an ETag: the same content has the same Version.
func hashVersions(m *Mem) rotatelog.Store {
	return renamed(m, func(m *Mem, key string) rotatelog.Version {
		return "hash of " + rotatelog.Version(m.Bytes(key))
	})
}

func staleMeta(m *Mem) rotatelog.Store {
	var last sync.Map
	return broken{Mem: m, stat: func(ctx context.Context, key string) (rotatelog.Object, error) {
		o, err := m.Stat(ctx, key)
		if before, ok := last.Swap(key, o.Meta); ok && err == nil {
			o.Meta = before.(map[string]string)
		}
		return o, err
	}}
}

func badRead(change func(off, n int64) (int64, int64)) func(*Mem) rotatelog.Store {
	return func(m *Mem) rotatelog.Store {
		return broken{Mem: m, read: func(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
			off, n = change(off, n)
			return m.Read(ctx, key, v, off, n)
		}}
	}
}

func nonZero(n int64) int64 {
	if n == 0 {
		return -1
	}
	return n
}

func shortRead(m *Mem) rotatelog.Store {
	return broken{Mem: m, read: func(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
		size := int64(len(m.Bytes(key)))
		if off < 0 || off > size {
			return m.Read(ctx, key, v, off, n)
		}
		return m.Read(ctx, key, v, off, min(n, size-off))
	}}
}

func readCurrent(m *Mem) rotatelog.Store {
	return broken{Mem: m, read: func(ctx context.Context, key string, _ rotatelog.Version, off, n int64) (io.ReadCloser, error) {
		o, _ := m.get(key)
		return m.Read(ctx, key, o.version, off, n)
	}}
}

func staleIsAbsent(m *Mem) rotatelog.Store {
	return broken{Mem: m, read: func(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
		r, err := m.Read(ctx, key, v, off, n)
		if err != nil {
			err = fs.ErrNotExist
		}
		return r, err
	}}
}

// lazyReader looks up the object at each Read, like a path that is opened again.
type lazyReader struct {
	m    *Mem
	key  string
	off  int
	ends bool // where the version does, as soon as it is replaced
	v    rotatelog.Version
}

func (r *lazyReader) Read(p []byte) (int, error) {
	o, _ := r.m.get(r.key)
	if r.off >= len(o.data) || r.ends && o.version != r.v {
		return 0, io.EOF
	}
	n := copy(p, o.data[r.off:])
	r.off += n
	return n, nil
}

func lazyRead(m *Mem) rotatelog.Store {
	return broken{Mem: m, read: func(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
		return io.NopCloser(&lazyReader{m: m, key: key, off: int(off)}), nil
	}}
}

func truncatedRead(m *Mem) rotatelog.Store {
	return broken{Mem: m, read: func(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
		return io.NopCloser(&lazyReader{m: m, key: key, off: int(off), ends: true, v: v}), nil
	}}
}

func badParts(change func([]rotatelog.Part) []rotatelog.Part) func(*Mem) rotatelog.Store {
	return func(m *Mem) rotatelog.Store {
		return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
			return m.Write(ctx, key, old, change(parts), meta)
		}}
	}
}

func copiesFirst(parts []rotatelog.Part) []rotatelog.Part {
	var copies, data []rotatelog.Part
	for _, p := range parts {
		if p.Data == nil {
			copies = append(copies, p)
		} else {
			data = append(data, p)
		}
	}
	return append(copies, data...)
}

// dropEmpty is what becomes of a test for len(p.Data) == 0.
func dropEmpty(parts []rotatelog.Part) []rotatelog.Part {
	var out []rotatelog.Part
	for _, p := range parts {
		if len(p.Data) == 0 && p.Len == 0 {
			p = rotatelog.Copy(0, 1)
		}
		out = append(out, p)
	}
	return out
}

func neverEmpty(m *Mem) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		if len(parts) == 0 {
			return errors.New("nothing to write")
		}
		return m.Write(ctx, key, old, parts, meta)
	}}
}

func keepsFirst(n int) func(*Mem) rotatelog.Store {
	return badParts(func(parts []rotatelog.Part) []rotatelog.Part {
		var out []rotatelog.Part
		for _, p := range parts {
			if p.Data != nil {
				p = rotatelog.Data(p.Data[:min(n, len(p.Data))])
			}
			out = append(out, p)
		}
		return out
	})
}

func clampedCopy(m *Mem) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		size := int64(len(m.Bytes(key)))
		var out []rotatelog.Part
		for _, p := range parts {
			if p.Data == nil {
				p.Off = min(max(p.Off, 0), size)
				p.Len = min(max(p.Len, 0), size-p.Off)
			}
			out = append(out, p)
		}
		return m.Write(ctx, key, old, out, meta)
	}}
}

func halfBadCopy(m *Mem) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		err := m.Write(ctx, key, old, parts, meta)
		if err != nil && !errors.Is(err, rotatelog.ErrConflict) {
			m.Put(key, parts[0].Data, meta)
		}
		return err
	}}
}

func overwritesOn(when func(old rotatelog.Version) bool) func(*Mem) rotatelog.Store {
	return func(m *Mem) rotatelog.Store {
		return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
			if o, ok := m.get(key); ok && when(old) {
				old = o.version
			}
			return m.Write(ctx, key, old, parts, meta)
		}}
	}
}

// createIsIdempotent answers nil to a creation of what is there already.
func createIsIdempotent(m *Mem) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		if b := m.Bytes(key); old == "" && b != nil && len(parts) == 1 && bytes.Equal(b, parts[0].Data) {
			return nil
		}
		return m.Write(ctx, key, old, parts, meta)
	}}
}

func createsWithVersion(m *Mem) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		if m.Bytes(key) == nil {
			old = ""
		}
		return m.Write(ctx, key, old, parts, meta)
	}}
}

func silentConflict(m *Mem) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		err := m.Write(ctx, key, old, parts, meta)
		if errors.Is(err, rotatelog.ErrConflict) {
			return nil
		}
		return err
	}}
}

func oddConflict(m *Mem) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		err := m.Write(ctx, key, old, parts, meta)
		if errors.Is(err, rotatelog.ErrConflict) {
			return errors.New("412")
		}
		return err
	}}
}

func appliesAndConflicts(m *Mem) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		err := m.Write(ctx, key, old, parts, meta)
		if err == nil && old != "" {
			return rotatelog.ErrConflict
		}
		return err
	}}
}

func staleMetaApplied(m *Mem) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		err := m.Write(ctx, key, old, parts, meta)
		if errors.Is(err, rotatelog.ErrConflict) {
			m.mu.Lock()
			defer m.mu.Unlock()
			if o, ok := m.objects[key]; ok {
				m.objects[key] = memObject{o.version, o.data, maps.Clone(meta)}
			}
		}
		return err
	}}
}

func keepsData(m *Mem) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		err := m.Write(ctx, key, old, parts, meta)
		if err == nil && len(parts) > 1 {
			m.mu.Lock()
			defer m.mu.Unlock()
			o := m.objects[key]
			m.objects[key] = memObject{o.version, parts[1].Data, o.meta}
		}
		return err
	}}
}

func keepsMeta(m *Mem) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		err := m.Write(ctx, key, old, parts, meta)
		if err == nil {
			m.mu.Lock()
			defer m.mu.Unlock()
			o := m.objects[key]
			m.objects[key] = memObject{o.version, o.data, meta}
		}
		return err
	}}
}

func appendsToData(m *Mem) rotatelog.Store {
	return badParts(func(parts []rotatelog.Part) []rotatelog.Part {
		for _, p := range parts {
			if cap(p.Data) > len(p.Data) {
				_ = append(p.Data, 'X')
			}
		}
		return parts
	})(m)
}

func changesParts(m *Mem) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		err := m.Write(ctx, key, old, parts, meta)
		for i := range parts {
			parts[i].Len = 0
		}
		return err
	}}
}

func badMeta(m *Mem, change func(map[string]string) map[string]string) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		return m.Write(ctx, key, old, parts, change(meta))
	}}
}

func mergedMeta(m *Mem) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		merged := map[string]string{}
		o, _ := m.get(key)
		maps.Copy(merged, o.meta)
		maps.Copy(merged, meta)
		return m.Write(ctx, key, old, parts, merged)
	}}
}

func badKeys(change *strings.Replacer) func(*Mem) rotatelog.Store {
	return func(m *Mem) rotatelog.Store {
		return broken{
			Mem: m,
			stat: func(ctx context.Context, key string) (rotatelog.Object, error) {
				return m.Stat(ctx, change.Replace(key))
			},
			read: func(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
				return m.Read(ctx, change.Replace(key), v, off, n)
			},
			write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
				return m.Write(ctx, change.Replace(key), old, parts, meta)
			},
		}
	}
}

func ignoresContext(m *Mem) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		return m.Write(context.WithoutCancel(ctx), key, old, parts, meta)
	}}
}

// writesInSteps shows half of an object until somebody has seen it.
func writesInSteps(m *Mem) rotatelog.Store {
	var half atomic.Bool
	seen := make(chan struct{})
	var once sync.Once
	return broken{
		Mem: m,
		read: func(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
			wasHalf := half.Load()
			r, err := m.Read(ctx, key, v, off, n)
			if wasHalf && err == nil {
				once.Do(func() { close(seen) })
			}
			return r, err
		},
		write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
			if old != "" {
				body := parts[0].Data
				if err := m.Write(ctx, key, old, []rotatelog.Part{rotatelog.Data(body[:len(body)/2])}, meta); err != nil {
					return err
				}
				half.Store(true)
				<-seen
				o, _ := m.get(key)
				old = o.version
			}
			return m.Write(ctx, key, old, parts, meta)
		},
	}
}

// comparesEarly holds the first two writers of an object until both have compared
// versions.
func comparesEarly(m *Mem) rotatelog.Store {
	var arrived atomic.Int32
	both := make(chan struct{})
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		o, _ := m.get(key)
		if old == "" || o.version != old {
			return m.Write(ctx, key, old, parts, meta)
		}
		switch arrived.Add(1) {
		case 1:
			<-both
		case 2:
			close(both)
		}
		data, err := concat(o.data, parts)
		if err == nil {
			m.Put(key, data, meta)
		}
		return err
	}}
}

func losesAppends(m *Mem) rotatelog.Store {
	var n atomic.Int32
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		if n.Add(1)%10 == 0 {
			return nil
		}
		return m.Write(ctx, key, old, parts, meta)
	}}
}

// appliesTwice is a front end that repeats a request without its condition.
func appliesTwice(m *Mem) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		err := m.Write(ctx, key, old, parts, meta)
		if err == nil && old != "" {
			o, _ := m.get(key)
			return m.Write(ctx, key, o.version, append([]rotatelog.Part{rotatelog.Copy(0, int64(len(o.data)))}, parts[1:]...), meta)
		}
		return err
	}}
}

// silentLosers answers a lost race with an error that does not say so.
func silentLosers(m *Mem) rotatelog.Store {
	return broken{Mem: m, write: func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
		err := m.Write(ctx, key, old, parts, meta)
		if errors.Is(err, rotatelog.ErrConflict) && strings.Contains(key, "concurrent") {
			return errors.New("500 UnknownError")
		}
		return err
	}}
}
