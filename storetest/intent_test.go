package storetest

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"testing"

	"example.com/rotatelog"
)

// parts is an IntentWriter in memory: an upload is open from the first note on until
// it is applied or given up.
type parts struct {
	*Mem
	began  int
	open   map[string]bool
	text   func(upload string) string
	note   func(err error) error // turns note's answer into what WriteIntent returns; nil continues
	write  func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error
	settle func(upload string) error
	sweep  func(keep []string) error
	prove  func(known string) (string, error)
}

func newParts() *parts {
	p := &parts{Mem: NewMem(), open: map[string]bool{}}
	p.text = func(upload string) string { return upload }
	p.note = func(err error) error { return err }
	p.write = p.Mem.Write
	p.settle = func(upload string) error { delete(p.open, upload); return nil }
	p.sweep = func([]string) error { return nil }
	p.prove = func(string) (string, error) { return "proven", nil }
	return p
}

func (p *parts) Write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	return p.write(ctx, key, old, parts, meta)
}

func (p *parts) WriteIntent(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string, note func(string) error) error {
	p.began++
	upload := strconv.Itoa(p.began)
	p.open[upload] = true
	defer delete(p.open, upload)
	for range 2 {
		if err := note(p.text(upload)); err != nil {
			if err := p.note(err); err != nil {
				return err
			}
		}
	}
	if !p.open[upload] {
		return errors.New("no such upload")
	}
	err := p.write(ctx, key, old, parts, meta)
	note("")
	return err
}

func (p *parts) Resolve(_ context.Context, text string, _ func(string) error) error {
	return p.settle(text)
}

func (p *parts) Sweep(_ context.Context, _ string, keep []string) error { return p.sweep(keep) }
func (p *parts) MinCopy() int64                                         { return 1000 }

// Prove knows one text.
func (p *parts) Prove(_ context.Context, _, known string) (string, error) { return p.prove(known) }

var _ interface {
	rotatelog.IntentWriter
	rotatelog.Prover
} = (*parts)(nil)

func TestSuiteAcceptsAnIntentWriter(t *testing.T) {
	Run(t, func(t *testing.T) rotatelog.Store { return newParts() })
}

type brokenMultipart struct {
	name  string
	fails string
	make  func(*parts) rotatelog.Store
}

// brokenMultiparts break one sentence each.
func brokenMultiparts() []brokenMultipart {
	const (
		isWrite = "WriteIntent is Write"
		least   = "a shorter Copy than MinCopy is as good"
		oneLine = "a note is one line"
		fails   = "if note returns an error, nothing is applied, and WriteIntent returns it"
		applied = "Resolve of what was applied returns nil, and changes nothing"
		givenUp = "Resolve of what will never be applied returns nil"
		sweep   = "Sweep leaves alone what a write is about to use"
		keeps   = "Sweep leaves alone the writes whose notes are in keep"

		holds     = "Prove returns one line, and again as long as it holds"
		malformed = "a text that does not parse must not be believed"
		alone     = "Prove leaves the key alone, and what is written after it is written"
	)
	return []brokenMultipart{
		{"ignores the old version when it notes", isWrite, func(p *parts) rotatelog.Store {
			p.write = func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
				o, _ := p.get(key)
				return p.Mem.Write(ctx, key, o.version, parts, meta)
			}
			return p
		}},
		{"refuses a short copy", least, func(p *parts) rotatelog.Store {
			p.write = func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
				if parts[0].Data == nil && parts[0].Len < p.MinCopy() {
					return errors.New("400 EntityTooSmall")
				}
				return p.Mem.Write(ctx, key, old, parts, meta)
			}
			return p
		}},
		{"notes two lines", oneLine, func(p *parts) rotatelog.Store {
			p.text = func(upload string) string { return "upload\n" + upload }
			return p
		}},
		{"continues without a note", fails, func(p *parts) rotatelog.Store {
			p.note = func(error) error { return nil }
			return p
		}},
		{"does not say that it could not note", fails, func(p *parts) rotatelog.Store {
			p.note = func(error) error { return errors.New("the write failed") }
			return p
		}},
		{"notes when it has written", fails, func(p *parts) rotatelog.Store {
			return notesLate{p}
		}},
		{"takes an upload that has ended for one that is not settled", applied, func(p *parts) rotatelog.Store {
			p.settle = func(upload string) error {
				if !p.open[upload] {
					return errors.New("404 NoSuchUpload")
				}
				return nil
			}
			return p
		}},
		{"applies again what it settles", applied, func(p *parts) rotatelog.Store {
			var last func()
			p.write = func(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
				err := p.Mem.Write(ctx, key, old, parts, meta)
				if o, ok := p.get(key); ok && len(parts) > 1 {
					last = func() { p.Put(key, o.data, o.meta) }
				}
				return err
			}
			p.settle = func(string) error { last(); return nil }
			return p
		}},
		{"settles only what was applied", givenUp, func(p *parts) rotatelog.Store {
			p.settle = func(string) error { return errors.New("503 SlowDown") }
			return p
		}},
		{"cuts the object to what it settles", givenUp, func(p *parts) rotatelog.Store {
			var key string
			p.write = func(ctx context.Context, k string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
				key = k
				return p.Mem.Write(ctx, k, old, parts, meta)
			}
			p.settle = func(string) error { p.Put(key, []byte("tail"), nil); return nil }
			return p
		}},
		{"sweeps what is under way", sweep, func(p *parts) rotatelog.Store {
			p.sweep = func([]string) error { clear(p.open); return nil }
			return p
		}},
		{"cannot sweep beside what is kept", keeps, func(p *parts) rotatelog.Store {
			p.sweep = func(keep []string) error {
				if len(keep) > 0 {
					return errors.New("404 NoSuchUpload")
				}
				return nil
			}
			return p
		}},
		{"proves again each time", holds, func(p *parts) rotatelog.Store {
			n := 0
			p.prove = func(string) (string, error) { n++; return strconv.Itoa(n), nil }
			return p
		}},
		{"proves in two lines", holds, func(p *parts) rotatelog.Store {
			p.prove = func(string) (string, error) { return "put\ncomplete", nil }
			return p
		}},
		{"believes what it is given", malformed, func(p *parts) rotatelog.Store {
			p.prove = func(known string) (string, error) { return cmp.Or(known, "proven"), nil }
			return p
		}},
		{"proves on the key", alone, func(p *parts) rotatelog.Store { return provesOnKey{p} }},
	}
}

type provesOnKey struct{ *parts }

func (p provesOnKey) Prove(_ context.Context, key, known string) (string, error) {
	p.Put(key, []byte("probe"), nil)
	return "proven", nil
}

type notesLate struct{ *parts }

func (n notesLate) WriteIntent(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string, note func(string) error) error {
	if err := n.write(ctx, key, old, parts, meta); err != nil {
		return err
	}
	return note("1")
}
