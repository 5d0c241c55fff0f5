package storetest

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"example.com/rotatelog"
)

// badLister is a Mem with another List.
type badLister struct {
	*Mem
	list func(ctx context.Context, prefix string) iter.Seq2[string, error]
}

func (b badLister) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return b.list(ctx, prefix)
}

func brokenListers() []brokenStore {
	const (
		keys   = "List returns the keys that begin with prefix, each once, in the order of their bytes"
		writes = "List describes objects, and not what they contain or how they were written"
		left   = "List ends when it is left"
		done   = "the end of ctx ends List with its cause"
	)
	changed := func(change func(keys []string, prefix string) []string) func(*Mem) rotatelog.Store {
		return func(m *Mem) rotatelog.Store {
			return badLister{m, func(ctx context.Context, prefix string) iter.Seq2[string, error] {
				return func(yield func(string, error) bool) {
					all, err := list(ctx, m, "")
					for _, key := range change(all, prefix) {
						if err := context.Cause(ctx); err != nil {
							yield("", err)
							return
						}
						if !yield(key, nil) {
							return
						}
					}
					if err != nil {
						yield("", err)
					}
				}
			}}
		}
	}
	under := func(keys []string, prefix string) []string {
		return slices.DeleteFunc(keys, func(key string) bool { return !strings.HasPrefix(key, prefix) })
	}
	return []brokenStore{
		{"takes the prefix for a directory", keys, changed(func(k []string, prefix string) []string { return under(k, strings.TrimSuffix(prefix, "/")+"/") })},
		{"lists everything", keys, changed(func(k []string, _ string) []string { return k })},
		{"lists twice", keys, changed(func(k []string, prefix string) []string { return slices.Repeat(under(k, prefix), 2) })},
		{"sorts by names", keys, changed(func(k []string, prefix string) []string {
			k = under(k, prefix)
			slices.SortFunc(k, func(a, b string) int { return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/")) })
			return k
		})},
		{"unescapes keys", keys, changed(func(k []string, prefix string) []string {
			for i, key := range k {
				k[i] = strings.ReplaceAll(key, "+", " ")
			}
			return under(k, prefix)
		})},
		{"lists directories", writes, changed(func(k []string, prefix string) []string {
			k = under(k, prefix)
			for _, key := range k {
				if dir := key[:strings.LastIndex(key, "/")+1]; len(dir) > len(prefix) {
					k = append(k, dir)
				}
			}
			slices.Sort(k)
			return slices.Compact(k)
		})},
		{"does not list empty objects", writes, func(m *Mem) rotatelog.Store {
			return changed(func(k []string, prefix string) []string {
				return slices.DeleteFunc(under(k, prefix), func(key string) bool { return len(m.Bytes(key)) == 0 })
			})(m)
		}},
		{"lists only once", left, func(m *Mem) rotatelog.Store {
			used := 0
			return badLister{m, func(ctx context.Context, prefix string) iter.Seq2[string, error] {
				return func(yield func(string, error) bool) {
					if used++; used > 2 {
						return
					}
					m.List(ctx, prefix)(yield)
				}
			}}
		}},
		{"ignores ctx", done, func(m *Mem) rotatelog.Store {
			return badLister{m, func(ctx context.Context, prefix string) iter.Seq2[string, error] {
				return m.List(context.WithoutCancel(ctx), prefix)
			}}
		}},
		{"ends in silence", done, func(m *Mem) rotatelog.Store {
			return badLister{m, func(ctx context.Context, prefix string) iter.Seq2[string, error] {
				return func(yield func(string, error) bool) {
					for key, err := range m.List(ctx, prefix) {
						if err != nil || !yield(key, nil) {
							return
						}
					}
				}
			}}
		}},
		{"loses the cause", done, func(m *Mem) rotatelog.Store {
			return badLister{m, func(ctx context.Context, prefix string) iter.Seq2[string, error] {
				return func(yield func(string, error) bool) {
					for key, err := range m.List(ctx, prefix) {
						if err != nil {
							err = errors.New("it failed")
						}
						if !yield(key, err) {
							return
						}
					}
				}
			}}
		}},
	}
}

// TestSuiteCatchesBadLists runs the suite against Stores that list badly.
func TestSuiteCatchesBadLists(t *testing.T) {
	wantAllCaught(t, listCases, brokenListers())
}

func TestFaultyList(t *testing.T) {
	m := NewMem()
	for _, key := range []string{"a", "b", "c"} {
		m.Put(key, nil, nil)
	}
	broken := errors.New("broken")
	for _, c := range []struct {
		fault Fault
		keys  int
		err   error
	}{
		{Fault{}, 3, nil},
		{Fault{Err: broken}, 0, broken},
		{Fault{Err: broken, Yield: 2}, 2, broken},
	} {
		f := &Faulty{Store: m, Fault: func(op Op) Fault {
			if op.Name != "list" || op.Key != "" || op.N != 1 {
				t.Errorf("Fault is shown %+v", op)
			}
			return c.fault
		}}
		if keys, err := list(t.Context(), f, ""); len(keys) != c.keys || err != c.err {
			t.Errorf("%+v: %q, %v, want %d keys and %v", c.fault, keys, err, c.keys, c.err)
		}
	}
	f := &Faulty{Store: struct{ rotatelog.Store }{m}}
	if _, err := list(t.Context(), f, ""); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a Faulty around a Store that is no Lister: %v, want ErrUnsupported", err)
	}
}
