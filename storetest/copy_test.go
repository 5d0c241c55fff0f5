package storetest

import (
	"context"
	"errors"
	"testing"

	"example.com/rotatelog"
)

// badCopier is a Mem with another Copy.
type badCopier struct {
	*Mem
	copy func(ctx context.Context, from string, v rotatelog.Version, to string) error
}

func (b badCopier) Copy(ctx context.Context, from string, v rotatelog.Version, to string) error {
	return b.copy(ctx, from, v, to)
}

func brokenCopiers() []brokenStore {
	const (
		makes = "Copy makes an object that has the content and the metadata of the version"
		again = "if to already holds the copy, Copy returns nil and changes nothing"
		over  = "if to holds anything else the error must match fs.ErrExist, and to must stay"
		stale = "if v is not the current version the error must match ErrConflict, and nothing is at to"
		done  = "Copy must return soon after ctx is done, and copies nothing then"
	)
	changed := func(change func(m *Mem, ctx context.Context, from string, v rotatelog.Version, to string) error) func(*Mem) rotatelog.Store {
		return func(m *Mem) rotatelog.Store {
			return badCopier{m, func(ctx context.Context, from string, v rotatelog.Version, to string) error {
				return change(m, ctx, from, v, to)
			}}
		}
	}
	return []brokenStore{
		{"does nothing", makes, changed(func(*Mem, context.Context, string, rotatelog.Version, string) error { return nil })},
		{"copies no metadata", makes, changed(func(m *Mem, _ context.Context, from string, _ rotatelog.Version, to string) error {
			m.Put(to, m.Bytes(from), nil)
			return nil
		})},
		{"moves", makes, changed(func(m *Mem, ctx context.Context, from string, v rotatelog.Version, to string) error {
			err := m.Copy(ctx, from, v, to)
			m.Delete(from)
			return err
		})},
		{"copies again", again, changed(func(m *Mem, ctx context.Context, from string, v rotatelog.Version, to string) error {
			m.Delete(to)
			return m.Copy(ctx, from, v, to)
		})},
		{"asks the source first", again, changed(func(m *Mem, ctx context.Context, from string, v rotatelog.Version, to string) error {
			if o, ok := m.get(from); !ok || o.version != v {
				return rotatelog.ErrConflict
			}
			return m.Copy(ctx, from, v, to)
		})},
		{"overwrites", over, changed(func(m *Mem, ctx context.Context, from string, v rotatelog.Version, to string) error {
			if from != to {
				m.Delete(to)
			}
			return m.Copy(ctx, from, v, to)
		})},
		{"takes the same size for a copy", over, changed(func(m *Mem, ctx context.Context, from string, v rotatelog.Version, to string) error {
			if a, b := m.Bytes(from), m.Bytes(to); len(a) == len(b) && b != nil {
				return nil
			}
			return m.Copy(ctx, from, v, to)
		})},
		{"copies what is current", stale, changed(func(m *Mem, ctx context.Context, from string, _ rotatelog.Version, to string) error {
			o, _ := m.get(from)
			return m.Copy(ctx, from, o.version, to)
		})},
		{"leaves what it copied", stale, changed(func(m *Mem, ctx context.Context, from string, v rotatelog.Version, to string) error {
			err := m.Copy(ctx, from, v, to)
			if errors.Is(err, rotatelog.ErrConflict) {
				m.Put(to, m.Bytes(from), nil)
			}
			return err
		})},
		{"says nothing of a conflict", stale, changed(func(m *Mem, ctx context.Context, from string, v rotatelog.Version, to string) error {
			if m.Copy(ctx, from, v, to) != nil {
				return errors.New("it failed")
			}
			return nil
		})},
		{"ignores ctx", done, changed(func(m *Mem, ctx context.Context, from string, v rotatelog.Version, to string) error {
			return m.Copy(context.WithoutCancel(ctx), from, v, to)
		})},
	}
}

// TestSuiteCatchesBadCopies runs the suite against Stores that copy badly.
func TestSuiteCatchesBadCopies(t *testing.T) {
	wantAllCaught(t, copyCases, brokenCopiers())
}

func TestFaultyCopy(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		fault            Fault
		err              error
		copied, released bool
	}{
		{Fault{}, nil, true, true},
		{Fault{Err: broken}, broken, true, true},
		{Fault{Err: broken, Skip: true}, broken, false, false},
		{Fault{Skip: true}, nil, false, false},
		{Fault{Err: broken, Later: true}, broken, false, true},
	} {
		m := NewMem()
		m.Put("a", []byte("content"), nil)
		f := &Faulty{Store: m, Fault: func(op Op) Fault {
			if op.Name == "copy" && op.Key == "b" {
				return c.fault
			}
			return Fault{}
		}}
		if err := f.Copy(t.Context(), "a", "1", "b"); err != c.err || (m.Bytes("b") != nil) != c.copied {
			t.Errorf("%+v: %v, and there is %q", c.fault, err, m.Bytes("b"))
		}
		if f.Release(t.Context()); (m.Bytes("b") != nil) != c.released {
			t.Errorf("%+v: at last there is %q", c.fault, m.Bytes("b"))
		}
	}
	f := &Faulty{Store: struct{ rotatelog.Store }{NewMem()}}
	if err := f.Copy(t.Context(), "a", "1", "b"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a Faulty around a Store that is no Copier: %v, want ErrUnsupported", err)
	}
}
