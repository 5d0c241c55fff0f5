package storetest

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/clocktest"
)

var errLost = errors.New("connection lost")

// always returns a Faulty around an object "k" of "old", with metadata.
func always(f Fault) (*Faulty, *Mem) {
	m := NewMem()
	m.Put("k", []byte("old"), map[string]string{"n": "1"})
	return &Faulty{Store: m, Fault: func(Op) Fault { return f }}, m
}

func TestFaultyWrite(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault Fault
		err   error
		now   string // what is there when Write returns
		later string // and after Release
	}{
		{"none", Fault{}, nil, "new", "new"},
		{"lost request", Fault{Err: errLost, Skip: true}, errLost, "old", "old"},
		{"lost reply", Fault{Err: errLost}, errLost, "new", "new"},
		{"lying reply", Fault{Skip: true}, nil, "old", "old"},
		{"false conflict", Fault{Err: rotatelog.ErrConflict}, rotatelog.ErrConflict, "new", "new"},
		{"abandoned request", Fault{Err: errLost, Later: true}, errLost, "old", "new"},
		{"early reply", Fault{Later: true}, nil, "old", "new"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, m := always(c.fault)
			body := []byte("new")
			err := f.Write(t.Context(), "k", mustStat(t, m, "k").Version, []rotatelog.Part{rotatelog.Data(body)}, nil)
			if !errors.Is(err, c.err) {
				t.Errorf("Write: %v, want %v", err, c.err)
			}
			if got := string(m.Bytes("k")); got != c.now {
				t.Errorf("after Write there is %q, want %q", got, c.now)
			}
			copy(body, "XXX") // a held write must not have kept it
			for _, err := range f.Release(t.Context()) {
				if err != nil {
					t.Errorf("Release: %v", err)
				}
			}
			if got := string(m.Bytes("k")); got != c.later {
				t.Errorf("after Release there is %q, want %q", got, c.later)
			}
		})
	}
}

func TestFaultyPassesTheStoresErrors(t *testing.T) {
	f, _ := always(Fault{})
	if err := f.Write(t.Context(), "k", "stale", text("new"), nil); !errors.Is(err, rotatelog.ErrConflict) {
		t.Errorf("Write: %v, want ErrConflict", err)
	}
	if _, err := f.Stat(t.Context(), "other"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat: %v, want fs.ErrNotExist", err)
	}
	if _, err := f.Read(t.Context(), "k", "stale", 0, -1); !errors.Is(err, rotatelog.ErrConflict) {
		t.Errorf("Read: %v, want ErrConflict", err)
	}
}

func TestFaultyRelease(t *testing.T) {
	f, m := always(Fault{Err: errLost, Later: true})
	v := mustStat(t, m, "k").Version
	meta := map[string]string{"n": "2"}
	parts := []rotatelog.Part{rotatelog.Copy(0, 3), rotatelog.Data([]byte("+"))}
	f.Write(t.Context(), "k", v, parts, meta)
	f.Write(t.Context(), "k", v, text("too late"), nil)
	f.Write(t.Context(), "other", "", text("other"), nil)
	clear(parts)
	meta["n"] = "X"
	if n := f.Held(); n != 3 {
		t.Errorf("Held = %d, want 3", n)
	}
	errs := f.Release(t.Context())
	if len(errs) != 3 || errs[0] != nil || !errors.Is(errs[1], rotatelog.ErrConflict) || errs[2] != nil {
		t.Errorf("Release = %v, want nil, ErrConflict, nil", errs)
	}
	if got := string(m.Bytes("k")); got != "old+" || mustStat(t, m, "k").Meta["n"] != "2" {
		t.Errorf("the first held write made %q, %v", got, mustStat(t, m, "k").Meta)
	}
	if f.Held() != 0 || f.Release(t.Context()) != nil {
		t.Errorf("a second Release has something left")
	}
}

func TestFaultyStat(t *testing.T) {
	f, _ := always(Fault{Err: errLost})
	if o, err := f.Stat(t.Context(), "k"); !errors.Is(err, errLost) || o.Version != "" {
		t.Errorf("Stat = %+v, %v, want %v", o, err, errLost)
	}
	f, _ = always(Fault{Skip: true})
	if o, err := f.Stat(t.Context(), "k"); err != nil || o.Size != 3 {
		t.Errorf("Stat with nothing but Skip = %+v, %v", o, err)
	}
}

func TestFaultyDropMeta(t *testing.T) {
	f, m := always(Fault{DropMeta: true})
	o, err := f.Stat(t.Context(), "k")
	if err != nil || o.Size != 3 || len(o.Meta) != 0 {
		t.Errorf("Stat = %+v, %v, want no Meta", o, err)
	}
	if err := f.Write(t.Context(), "k", o.Version, text("new"), map[string]string{"n": "2"}); err != nil {
		t.Fatal(err)
	}
	if o := mustStat(t, m, "k"); o.Size != 3 || len(o.Meta) != 0 {
		t.Errorf("Write wrote metadata: %+v", o)
	}
}

func TestFaultyRead(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault Fault
		got   string
		err   error
	}{
		{"none", Fault{}, "old", nil},
		{"Skip alone", Fault{Skip: true}, "old", nil},
		{"lost", Fault{Err: errLost}, "", errLost},
		{"breaks off", Fault{Err: errLost, Yield: 2}, "ol", errLost},
		{"ends before it breaks", Fault{Err: errLost, Yield: 4}, "old", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, m := always(c.fault)
			got, err := read(t, f, "k", mustStat(t, m, "k").Version, 0, -1)
			if string(got) != c.got || !errors.Is(err, c.err) {
				t.Errorf("Read = %q, %v, want %q, %v", got, err, c.got, c.err)
			}
		})
	}
	f, m := always(Fault{Err: errLost})
	if _, err := f.Read(t.Context(), "k", mustStat(t, m, "k").Version, 0, -1); !errors.Is(err, errLost) {
		t.Errorf("with no Yield it is not Read that fails: %v", err)
	}
}

func TestFaultyOps(t *testing.T) {
	var ops []Op
	f := &Faulty{Store: NewMem(), Fault: func(op Op) Fault { ops = append(ops, op); return Fault{} }}
	o := mustWrite(t, f, "a", "", text("x"), nil)
	r, err := f.Read(t.Context(), "a", o.Version, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	want := []Op{{Name: "write", Key: "a", N: 1}, {Name: "stat", Key: "a", N: 2}, {Name: "read", Key: "a", N: 3}}
	if !slices.Equal(ops, want) {
		t.Errorf("ops = %v, want %v", ops, want)
	}
}

func TestFaultyDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, m := always(Fault{Delay: time.Minute})
		v := mustStat(t, m, "k").Version
		start := time.Now()
		if err := f.Write(t.Context(), "k", v, text("new"), nil); err != nil {
			t.Errorf("Write: %v", err)
		}
		if d := time.Since(start); d != time.Minute {
			t.Errorf("Write took %v, want a minute", d)
		}

		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errLost)
		defer cancel()
		if err := f.Write(ctx, "k", mustStat(t, m, "k").Version, text("newer"), nil); !errors.Is(err, errLost) {
			t.Errorf("Write with a ctx that ends: %v, want its cause", err)
		}
		if _, err := f.Stat(ctx, "k"); !errors.Is(err, errLost) {
			t.Errorf("Stat with a ctx that has ended: %v, want its cause", err)
		}
		if r, err := f.Read(ctx, "k", v, 0, -1); !errors.Is(err, errLost) {
			t.Errorf("Read with a ctx that has ended: %v, %v, want its cause", r, err)
		}
		if got := string(m.Bytes("k")); got != "new" {
			t.Errorf("there is %q, want %q", got, "new")
		}
	})
}

func TestFaultyDelayByClock(t *testing.T) {
	clock := clocktest.New(time.Date(2025, 7, 10, 12, 0, 0, 0, time.UTC))
	f, m := always(Fault{Delay: time.Minute})
	f.Clock = clock
	v := mustStat(t, m, "k").Version
	done := make(chan error)
	go func() { done <- f.Write(t.Context(), "k", v, text("new"), nil) }()

	if err := clock.AwaitSleepers(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if got := string(m.Bytes("k")); got != "old" {
		t.Errorf("during the delay there is %q", got)
	}
	clock.Advance(time.Minute)
	if err := <-done; err != nil {
		t.Errorf("Write: %v", err)
	}
	if got := string(m.Bytes("k")); got != "new" {
		t.Errorf("after the delay there is %q", got)
	}
}

// Fault may let another writer in just before, so that a test can lose a race on
// purpose.
func TestFaultyLetsAnotherIn(t *testing.T) {
	m := NewMem()
	f := &Faulty{Store: m, Fault: func(op Op) Fault {
		if op.Name == "write" && op.N == 1 {
			m.Put(op.Key, []byte("theirs"), nil)
		}
		return Fault{}
	}}
	if err := f.Write(t.Context(), "k", "", text("ours"), nil); !errors.Is(err, rotatelog.ErrConflict) {
		t.Errorf("Write: %v, want ErrConflict", err)
	}
}

func TestBrokenReaderCloses(t *testing.T) {
	closed := errors.New("closed")
	r := &brokenReader{readCloser{closed}, 1, errLost}
	if err := r.Close(); err != closed {
		t.Errorf("Close = %v, want the reader's own", err)
	}
}

type readCloser struct{ err error }

func (readCloser) Read([]byte) (int, error) { return 0, io.EOF }
func (r readCloser) Close() error           { return r.err }

// TestFaultyStatLies: a stat says that there is nothing, or describes a version
// that an earlier stat saw.
func TestFaultyStatLies(t *testing.T) {
	m := NewMem()
	var fault Fault
	f := &Faulty{Store: m, Fault: func(Op) Fault { return fault }}
	stat := func(lie Fault) string {
		t.Helper()
		fault = lie
		o, err := f.Stat(t.Context(), "k")
		switch {
		case errors.Is(err, fs.ErrNotExist) && o.Version == "" && o.Meta == nil:
			return "absent"
		case err != nil:
			t.Error(err)
		}
		if int64(len(o.Meta["n"])) != o.Size {
			t.Errorf("%d bytes of one version with the metadata of another, %v", o.Size, o.Meta)
		}
		return o.Meta["n"]
	}
	want := func(lie Fault, n string) {
		t.Helper()
		if got := stat(lie); got != n {
			t.Errorf("a stat with %+v returned %q, want %q", lie, got, n)
		}
	}
	put := func(n string) { m.Put("k", []byte(n), map[string]string{"n": n}) }
	want(Fault{Stale: 1}, "absent")
	put("1")
	want(Fault{Stale: 1}, "absent") // as the first stat saw it
	want(Fault{Absent: true}, "absent")
	want(Fault{}, "1")
	put("22") // which no stat sees
	put("333")
	want(Fault{Stale: 1}, "1")
	want(Fault{Stale: 2}, "absent")
	for _, n := range []string{"4444", "55555", "666666", "7777777"} {
		put(n)
		want(Fault{}, n)
	}
	want(Fault{Stale: 4}, "333")
	want(Fault{Stale: 9}, "333")
}
