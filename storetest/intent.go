package storetest

import (
	"errors"
	"strings"
	"testing"

	"example.com/rotatelog"
)

// intentCases are the sentences of the contract of [rotatelog.IntentWriter].
var intentCases = []testCase{
	{"WriteIntent is Write", writeIntentIsWrite, false},
	{"a shorter Copy than MinCopy is as good", copiesAroundLeast, false},
	{"a note is one line", noteIsOneLine, false},
	{"if note returns an error, nothing is applied, and WriteIntent returns it", failingNote, false},
	{"Resolve of what was applied returns nil, and changes nothing", settleApplied, false},
	{"Resolve of what will never be applied returns nil", settleGivenUp, false},
	{"Sweep leaves alone what a write is about to use", sweepWhileWriting, false},
	{"Sweep leaves alone the writes whose notes are in keep", sweepKeeps, false},
}

// maxLeastCopy bounds what the cases write. For a Store with a longer MinCopy, they
// do not test a Copy.
const maxLeastCopy = 8 << 20

// maxNotes is more than any write needs.
const maxNotes = 20

// intentWriterOf returns s as an IntentWriter, if it is one.
func intentWriterOf(t testing.TB, s rotatelog.Store) rotatelog.IntentWriter {
	m, ok := s.(rotatelog.IntentWriter)
	if !ok {
		t.Skipf("the Store is no rotatelog.IntentWriter")
	}
	return m
}

// appendTo returns the content of an object that is just large enough for a Copy of
// it to be made without reading, and the parts that append to it, with what they make.
func appendTo(m rotatelog.IntentWriter, tail string) (old string, parts []rotatelog.Part, want string) {
	old = string(pattern(int(min(m.MinCopy(), maxLeastCopy)) + 1000))
	parts = []rotatelog.Part{rotatelog.Copy(0, int64(len(old))), rotatelog.Data([]byte(tail))}
	return old, parts, old + tail
}

// growth is an object, and an append to it that is still to be made.
type growth struct {
	rotatelog.IntentWriter
	key       string
	before    rotatelog.Object
	parts     []rotatelog.Part
	old, want string // content
}

func newGrowth(t testing.TB, s rotatelog.Store, prefix string) growth {
	t.Helper()
	g := growth{IntentWriter: intentWriterOf(t, s), key: prefix + "object"}
	g.old, g.parts, g.want = appendTo(g, "tail")
	g.before = mustWrite(t, s, g.key, "", text(g.old), nil)
	return g
}

func (g growth) write(t testing.TB, note func(text string) error) error {
	return g.WriteIntent(t.Context(), g.key, g.before.Version, g.parts, nil, note)
}

// mustWrite writes, and returns the write's notes.
func (g growth) mustWrite(t testing.TB) notes {
	t.Helper()
	var n notes
	if err := g.write(t, n.note); err != nil {
		t.Fatalf("WriteIntent: %v", err)
	}
	return n
}

// notes are the texts that a write has passed to note.
type notes []string

func (n *notes) note(text string) error {
	*n = append(*n, text)
	return nil
}

// texts returns the notes about writes that may have to be settled.
func (n notes) texts() []string {
	var texts []string
	for _, text := range n {
		if text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

func writeIntentIsWrite(t testing.TB, s rotatelog.Store, prefix string) {
	m := intentWriterOf(t, s)
	key := prefix + "object"
	var n notes
	old, parts, want := appendTo(m, "tail")
	meta := map[string]string{"n": "2"}
	if err := m.WriteIntent(t.Context(), key, "", text(old), nil, n.note); err != nil {
		t.Fatalf("WriteIntent of a new object: %v", err)
	}
	first := mustStat(t, s, key)
	if err := m.WriteIntent(t.Context(), key, first.Version, parts, meta, n.note); err != nil {
		t.Fatalf("WriteIntent over the current version: %v", err)
	}
	wantContent(t, s, key, want)
	second := mustStat(t, s, key)
	if len(second.Meta) > 0 && (len(second.Meta) != 1 || second.Meta["n"] != "2") {
		t.Errorf("metadata is %v, want %v", second.Meta, meta)
	}
	for _, stale := range []rotatelog.Version{"", first.Version} {
		parts := text("other")
		if err := m.WriteIntent(t.Context(), key, stale, parts, nil, n.note); !errors.Is(err, rotatelog.ErrConflict) {
			t.Errorf("WriteIntent over the version %q, which is not the current one: %v, want ErrConflict", stale, err)
		}
		wantUnchanged(t, s, key, second, want)
	}
}

func copiesAroundLeast(t testing.TB, s rotatelog.Store, prefix string) {
	g := newGrowth(t, s, prefix)
	v := g.before.Version
	for _, n := range []int64{g.MinCopy() - 1, g.MinCopy(), g.MinCopy() + 1} {
		if n < 0 || n > int64(len(g.old)) {
			continue
		}
		o := mustWrite(t, s, g.key, v, []rotatelog.Part{rotatelog.Copy(0, n), rotatelog.Data([]byte("tail"))}, nil)
		wantContent(t, s, g.key, g.old[:n]+"tail")
		v = mustWrite(t, s, g.key, o.Version, text(g.old), nil).Version
	}
}

func noteIsOneLine(t testing.TB, s rotatelog.Store, prefix string) {
	for _, text := range newGrowth(t, s, prefix).mustWrite(t) {
		if strings.ContainsAny(text, "\r\n") {
			t.Errorf("a note of several lines: %q", text)
		}
	}
}

// failingNote makes the first call of note fail, then the second, until none is left.
func failingNote(t testing.TB, s rotatelog.Store, prefix string) {
	g := newGrowth(t, s, prefix)
	full := errors.New("the disk is full")
	for fails := 1; ; fails++ {
		calls, failed := 0, false
		err := g.write(t, func(text string) error {
			calls++
			if calls < fails || text == "" {
				return nil
			}
			failed = true
			return full
		})
		if !failed {
			if err != nil {
				t.Errorf("WriteIntent with a note that does not fail: %v", err)
			}
			wantContent(t, s, g.key, g.want)
			return
		}
		if !errors.Is(err, full) {
			t.Errorf("note failed at call %d, and WriteIntent returned %v", fails, err)
		}
		wantUnchanged(t, s, g.key, g.before, g.old)
		if fails > maxNotes {
			t.Fatalf("a write calls note more than %d times", maxNotes)
		}
	}
}

func settleApplied(t testing.TB, s rotatelog.Store, prefix string) {
	g := newGrowth(t, s, prefix)
	n := g.mustWrite(t)
	wantSettled(t, g, n.texts())
	wantContent(t, s, g.key, g.want)
	later := mustWrite(t, s, g.key, mustStat(t, s, g.key).Version, text("written later"), nil)
	wantSettled(t, g, n.texts())
	wantUnchanged(t, s, g.key, later, "written later")
}

// settleGivenUp ends a write at each of its notes, as a crash would.
func settleGivenUp(t testing.TB, s rotatelog.Store, prefix string) {
	g := newGrowth(t, s, prefix)
	crash := errors.New("crash")
	for ends := 1; ; ends++ {
		var n notes
		err := g.write(t, func(text string) error {
			n.note(text)
			if len(n) >= ends {
				return crash
			}
			return nil
		})
		if err == nil {
			return // it had fewer notes
		}
		wantSettled(t, g, n.texts())
		if mustStat(t, s, g.key).Version != g.before.Version { // Resolve may have applied it
			wantContent(t, s, g.key, g.want)
			return
		}
		if ends > maxNotes {
			t.Fatalf("a write calls note more than %d times", maxNotes)
		}
	}
}

// wantSettled settles the writes of the notes twice, since a crash may lose the
// record that it was done.
func wantSettled(t testing.TB, m rotatelog.IntentWriter, texts []string) {
	t.Helper()
	for range 2 {
		for _, text := range texts {
			if err := m.Resolve(t.Context(), text, func(string) error { return nil }); err != nil {
				t.Errorf("Resolve: %v", err)
			}
		}
	}
}

func sweepWhileWriting(t testing.TB, s rotatelog.Store, prefix string) {
	g := newGrowth(t, s, prefix)
	sweep := func(text string) error {
		var keep []string
		if text != "" {
			keep = []string{text}
		}
		g.mustSweep(t, keep)
		g.mustSweep(t, nil) // it is too young to be swept
		return nil
	}
	if err := g.write(t, sweep); err != nil {
		t.Errorf("WriteIntent, with a Sweep at each note: %v", err)
	}
	g.mustSweep(t, nil)
	wantContent(t, s, g.key, g.want)
}

func (g growth) mustSweep(t testing.TB, keep []string) {
	t.Helper()
	if err := g.Sweep(t.Context(), g.key, keep); err != nil {
		t.Errorf("Sweep: %v", err)
	}
}

// sweepKeeps makes Sweep keep a write that has ended, and one that was given up, and
// settles both.
func sweepKeeps(t testing.TB, s rotatelog.Store, prefix string) {
	g := newGrowth(t, s, prefix)
	var n notes
	crash := errors.New("crash")
	g.write(t, func(text string) error {
		n.note(text)
		return crash
	})
	if len(n) == 0 {
		t.Skipf("a write notes nothing")
	}
	g.mustSweep(t, n.texts())
	wantSettled(t, g, n.texts())
	wantUnchanged(t, s, g.key, g.before, g.old)
	n = g.mustWrite(t)
	g.mustSweep(t, n.texts())
	wantSettled(t, g, n.texts())
	wantContent(t, s, g.key, g.want)
}
