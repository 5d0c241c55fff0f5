package storetest

import (
	"errors"
	"strings"
	"testing"

	"example.com/rotatelog"
)

// multipartCases are the sentences of the contract of [rotatelog.Multipart].
var multipartCases = []testCase{
	{"WriteNoted is Write", notedIsWrite},
	{"a shorter Copy than LeastCopy is as good", copiesAroundLeast},
	{"a note is one line", noteIsOneLine},
	{"if note returns an error, nothing is applied, and WriteNoted returns it", noteFails},
	{"Settle of what was applied returns nil, and changes nothing", settleApplied},
	{"Settle of what will never be applied returns nil", settleGivenUp},
	{"Sweep leaves alone what a write is about to use", sweepWhileWriting},
}

// maxLeastCopy bounds what the cases write. What a Store with a longer LeastCopy
// does with a Copy is then not shown.
const maxLeastCopy = 8 << 20

// maxNotes is more than any write has to say.
const maxNotes = 20

// multipartOf returns s as a Multipart, if it is one.
func multipartOf(t testing.TB, s rotatelog.Store) rotatelog.Multipart {
	m, ok := s.(rotatelog.Multipart)
	if !ok {
		t.Skipf("the Store is no rotatelog.Multipart")
	}
	return m
}

// appendTo returns the content of an object that is just large enough for a Copy of
// it to be made without reading, and the parts that append to it, with what they make.
func appendTo(m rotatelog.Multipart, tail string) (old string, parts []rotatelog.Part, want string) {
	old = string(pattern(int(min(m.LeastCopy(), maxLeastCopy)) + 1000))
	parts = []rotatelog.Part{rotatelog.Copy(0, int64(len(old))), rotatelog.Data([]byte(tail))}
	return old, parts, old + tail
}

// notes keeps what a write has noted.
type notes []string

func (n *notes) note(text string) error {
	*n = append(*n, text)
	return nil
}

// texts returns the notes of which something may remain.
func (n notes) texts() []string {
	var texts []string
	for _, text := range n {
		if text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

func notedIsWrite(t testing.TB, s rotatelog.Store, prefix string) {
	m := multipartOf(t, s)
	key := prefix + "object"
	var n notes
	old, parts, want := appendTo(m, "tail")
	meta := map[string]string{"n": "2"}
	if err := m.WriteNoted(t.Context(), key, "", text(old), nil, n.note); err != nil {
		t.Fatalf("WriteNoted of a new object: %v", err)
	}
	first := mustStat(t, s, key)
	if err := m.WriteNoted(t.Context(), key, first.Version, parts, meta, n.note); err != nil {
		t.Fatalf("WriteNoted over the current version: %v", err)
	}
	wantContent(t, s, key, want)
	second := mustStat(t, s, key)
	if len(second.Meta) > 0 && (len(second.Meta) != 1 || second.Meta["n"] != "2") {
		t.Errorf("metadata is %v, want %v", second.Meta, meta)
	}
	for _, stale := range []rotatelog.Version{"", first.Version} {
		parts := text("other")
		if err := m.WriteNoted(t.Context(), key, stale, parts, nil, n.note); !errors.Is(err, rotatelog.ErrConflict) {
			t.Errorf("WriteNoted over the version %q, which is not the current one: %v, want ErrConflict", stale, err)
		}
		wantUnchanged(t, s, key, second, want)
	}
}

func copiesAroundLeast(t testing.TB, s rotatelog.Store, prefix string) {
	m := multipartOf(t, s)
	key := prefix + "object"
	old, _, _ := appendTo(m, "")
	v := mustWrite(t, s, key, "", text(old), nil).Version
	for _, n := range []int64{m.LeastCopy() - 1, m.LeastCopy(), m.LeastCopy() + 1} {
		if n < 0 || n > int64(len(old)) {
			continue
		}
		mustWrite(t, s, key, v, []rotatelog.Part{rotatelog.Copy(0, n), rotatelog.Data([]byte("tail"))}, nil)
		wantContent(t, s, key, old[:n]+"tail")
		v = mustWrite(t, s, key, mustStat(t, s, key).Version, text(old), nil).Version
	}
}

func noteIsOneLine(t testing.TB, s rotatelog.Store, prefix string) {
	m := multipartOf(t, s)
	key := prefix + "object"
	var n notes
	old, parts, _ := appendTo(m, "tail")
	v := mustWrite(t, s, key, "", text(old), nil).Version
	if err := m.WriteNoted(t.Context(), key, v, parts, nil, n.note); err != nil {
		t.Fatalf("WriteNoted: %v", err)
	}
	for _, text := range n {
		if strings.ContainsAny(text, "\r\n") {
			t.Errorf("a note of several lines: %q", text)
		}
	}
}

// noteFails has the first call of note fail, then the second, until none is left.
func noteFails(t testing.TB, s rotatelog.Store, prefix string) {
	m := multipartOf(t, s)
	key := prefix + "object"
	old, parts, want := appendTo(m, "tail")
	before := mustWrite(t, s, key, "", text(old), nil)
	full := errors.New("the disk is full")
	for fails := 1; ; fails++ {
		calls, failed := 0, false
		err := m.WriteNoted(t.Context(), key, before.Version, parts, nil, func(text string) error {
			calls++
			if calls < fails || text == "" {
				return nil
			}
			failed = true
			return full
		})
		if !failed {
			if err != nil {
				t.Errorf("WriteNoted with a note that does not fail: %v", err)
			}
			wantContent(t, s, key, want)
			return
		}
		if !errors.Is(err, full) {
			t.Errorf("note failed at call %d, and WriteNoted returned %v", fails, err)
		}
		wantUnchanged(t, s, key, before, old)
		if fails > maxNotes {
			t.Fatalf("a write calls note more than %d times", maxNotes)
		}
	}
}

func settleApplied(t testing.TB, s rotatelog.Store, prefix string) {
	m := multipartOf(t, s)
	key := prefix + "object"
	var n notes
	old, parts, want := appendTo(m, "tail")
	v := mustWrite(t, s, key, "", text(old), nil).Version
	if err := m.WriteNoted(t.Context(), key, v, parts, nil, n.note); err != nil {
		t.Fatalf("WriteNoted: %v", err)
	}
	wantSettled(t, m, n.texts())
	wantContent(t, s, key, want)
	later := mustWrite(t, s, key, mustStat(t, s, key).Version, text("written later"), nil)
	wantSettled(t, m, n.texts())
	wantUnchanged(t, s, key, later, "written later")
}

// settleGivenUp has a write end at each of its notes, as a crash would.
func settleGivenUp(t testing.TB, s rotatelog.Store, prefix string) {
	m := multipartOf(t, s)
	key := prefix + "object"
	old, parts, want := appendTo(m, "tail")
	before := mustWrite(t, s, key, "", text(old), nil)
	crash := errors.New("crash")
	for ends := 1; ; ends++ {
		var n notes
		err := m.WriteNoted(t.Context(), key, before.Version, parts, nil, func(text string) error {
			n.note(text)
			if len(n) >= ends {
				return crash
			}
			return nil
		})
		if err == nil {
			return // it did not end at a note any more
		}
		wantSettled(t, m, n.texts())
		if after := mustStat(t, s, key); after.Version != before.Version { // which Settle may have brought about
			wantContent(t, s, key, want)
			return
		}
		if ends > maxNotes {
			t.Fatalf("a write calls note more than %d times", maxNotes)
		}
	}
}

// wantSettled settles what the notes tell of, twice, since a crash may lose that it
// was done.
func wantSettled(t testing.TB, m rotatelog.Multipart, texts []string) {
	t.Helper()
	for range 2 {
		for _, text := range texts {
			if err := m.Settle(t.Context(), text); err != nil {
				t.Errorf("Settle: %v", err)
			}
		}
	}
}

func sweepWhileWriting(t testing.TB, s rotatelog.Store, prefix string) {
	m := multipartOf(t, s)
	key := prefix + "object"
	old, parts, want := appendTo(m, "tail")
	v := mustWrite(t, s, key, "", text(old), nil).Version
	sweep := func(string) error {
		if err := m.Sweep(t.Context(), key); err != nil {
			t.Errorf("Sweep: %v", err)
		}
		return nil
	}
	if err := m.WriteNoted(t.Context(), key, v, parts, nil, sweep); err != nil {
		t.Errorf("WriteNoted, with a Sweep at each note: %v", err)
	}
	sweep("")
	wantContent(t, s, key, want)
}
