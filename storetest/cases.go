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
	"testing"

	"example.com/rotatelog"
)

func statAbsence(t testing.TB, s rotatelog.Store, prefix string) {
	dir := prefix + "dir"
	key := dir + "/object"
	wantAbsent(t, s, key)
	mustWrite(t, s, key, "", text("x"), nil)

	if _, err := s.Stat(t.Context(), key); err != nil {
		t.Errorf("Stat of an object: %v", err)
	}
	for _, other := range []string{key + "s", key[:len(key)-1], dir, key + "/below"} {
		wantAbsent(t, s, other)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Stat(ctx, key); errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat that could not look says that there is no object: %v", err)
	}
}

func statCurrent(t testing.TB, s rotatelog.Store, prefix string) {
	key := prefix + "object"
	first := mustWrite(t, s, key, "", text("short"), nil)
	if first.Size != 5 {
		t.Errorf("Size = %d, want 5", first.Size)
	}
	if again := mustStat(t, s, key); again.Version != first.Version {
		t.Errorf("Version was %q, and is %q, with no write between", first.Version, again.Version)
	}
	second := mustWrite(t, s, key, first.Version, text("rather longer"), nil)
	if second.Size != 13 || second.Version == first.Version {
		t.Errorf("Stat after the second write: %+v; after the first: %+v", second, first)
	}
}

func zeroVersion(t testing.TB, s rotatelog.Store, prefix string) {
	if o, err := s.Stat(t.Context(), prefix+"nothing"); err == nil {
		t.Errorf("Stat of nothing: %+v without an error", o)
	}
	for i, content := range []string{"", "x"} {
		if o := mustWrite(t, s, fmt.Sprint(prefix, i), "", text(content), nil); o.Version == "" {
			t.Errorf("Version of the object %q is zero", content)
		}
	}
}

// versionsDiffer writes as fast as it can, so that coarse clocks give versions the
// same time. A version may come back if the content does: an ETag is often a hash.
func versionsDiffer(t testing.TB, s rotatelog.Store, prefix string) {
	key := prefix + "object"
	seen := map[rotatelog.Version]string{}
	var v rotatelog.Version
	for _, letter := range "ABACADABRAXYZZY" {
		content := string(letter)
		v = mustWrite(t, s, key, v, text(content), nil).Version
		if before, ok := seen[v]; ok && before != content {
			t.Errorf("%q and %q have the same Version %q", before, content, v)
		}
		seen[v] = content
	}
}

// objectWhole puts each version's size into its metadata.
func objectWhole(t testing.TB, s rotatelog.Store, prefix string) {
	key := prefix + "object"
	write := func(old rotatelog.Version, size int) error {
		return s.Write(t.Context(), key, old, text(strings.Repeat("x", size)), map[string]string{"size": fmt.Sprint(size)})
	}
	look := func() rotatelog.Object {
		o, err := s.Stat(t.Context(), key)
		for again := 0; err != nil && again < 10 && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, rotatelog.ErrPermanent); again++ {
			o, err = s.Stat(t.Context(), key) // RGW may answer 500 while the object is being replaced: then nothing is known
		}
		if err != nil {
			t.Errorf("Stat: %v", err)
		} else if size, ok := o.Meta["size"]; ok && size != fmt.Sprint(o.Size) {
			t.Errorf("Stat gives the metadata of a version of %s bytes to one of %d", size, o.Size)
		}
		return o
	}
	if err := write("", 1); err != nil {
		t.Fatalf("Write: %v", err)
	}
	look()
	whileWriting(3, func() { look() }, func() {
		v := look().Version
		for size := 2; size <= 20; size++ {
			if err := write(v, size); err != nil {
				t.Errorf("Write: %v", err)
				return
			}
			v = look().Version
		}
	})
}

func readRanges(t testing.TB, s rotatelog.Store, prefix string) {
	key := prefix + "object"
	content := "0123456789"
	v := mustWrite(t, s, key, "", text(content), nil).Version
	for _, r := range [][2]int64{{0, 10}, {0, 1}, {3, 4}, {9, 1}, {0, 0}, {5, 0}, {10, 0}} {
		off, n := r[0], r[1]
		if got, err := read(t, s, key, v, off, n); err != nil || string(got) != content[off:off+n] {
			t.Errorf("Read(off %d, n %d) = %q, %v, want %q", off, n, got, err, content[off:off+n])
		}
	}
}

func readRest(t testing.TB, s rotatelog.Store, prefix string) {
	for i, content := range []string{"0123456789", ""} {
		key := fmt.Sprint(prefix, i)
		v := mustWrite(t, s, key, "", text(content), nil).Version
		for _, off := range []int{0, 1, 9, 10} {
			if off > len(content) {
				break
			}
			if got, err := read(t, s, key, v, int64(off), -1); err != nil || string(got) != content[off:] {
				t.Errorf("Read(off %d, n -1) of %q = %q, %v, want %q", off, content, got, err, content[off:])
			}
		}
	}
}

func readPastEnd(t testing.TB, s rotatelog.Store, prefix string) {
	key := prefix + "object"
	v := mustWrite(t, s, key, "", text("0123456789"), nil).Version
	for _, r := range [][2]int64{{0, 11}, {5, 6}, {9, 2}, {10, 1}, {11, 1}, {11, 0}, {11, -1}, {1000, -1}, {-1, 2}, {1, 1<<63 - 1}} {
		if got, err := read(t, s, key, v, r[0], r[1]); err == nil {
			t.Errorf("Read(off %d, n %d) of 10 bytes = %q without an error", r[0], r[1], got)
		}
	}
}

func readStale(t testing.TB, s rotatelog.Store, prefix string) {
	key := prefix + "object"
	if got, err := read(t, s, key, "", 0, -1); err == nil {
		t.Errorf("Read of the zero Version of nothing = %q without an error", got)
	}
	first := mustWrite(t, s, key, "", text("first"), nil).Version
	mustWrite(t, s, key, first, text("other"), nil)
	for _, n := range []int64{-1, 5, 1} {
		if got, err := read(t, s, key, first, 0, n); !errors.Is(err, rotatelog.ErrConflict) || len(got) > 0 {
			t.Errorf("Read(n %d) of the version before = %q, %v, want ErrConflict", n, got, err)
		}
	}
}

// readReplaced uses an object that is too large for the network's buffers.
func readReplaced(t testing.TB, s rotatelog.Store, prefix string) {
	key := prefix + "object"
	before := strings.Repeat("a", 1<<20)
	v := mustWrite(t, s, key, "", text(before), nil).Version
	r, err := s.Read(t.Context(), key, v, 0, -1)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	defer r.Close()
	start := make([]byte, 100)
	if _, err := io.ReadFull(r, start); err != nil {
		t.Fatalf("reading the first bytes: %v", err)
	}
	mustWrite(t, s, key, v, text(strings.Repeat("b", len(before))), nil)

	rest, err := io.ReadAll(r)
	got := string(start) + string(rest)
	if !strings.HasPrefix(before, got) {
		t.Errorf("the reader of the version before gave %d bytes of the one after", strings.Count(got, "b"))
	}
	if err == nil && len(got) != len(before) {
		t.Errorf("the reader ended after %d of %d bytes without an error", len(got), len(before))
	}
}

func writeParts(t testing.TB, s rotatelog.Store, prefix string) {
	const old = "0123456789"
	data := func(s string) rotatelog.Part { return rotatelog.Data([]byte(s)) }
	for i, c := range []struct {
		parts []rotatelog.Part
		want  string
	}{
		{[]rotatelog.Part{data("new")}, "new"},
		{[]rotatelog.Part{data("a"), data("b"), data("c")}, "abc"},
		{[]rotatelog.Part{rotatelog.Copy(0, 10)}, old},
		{[]rotatelog.Part{rotatelog.Copy(0, 10), data("ab")}, old + "ab"},
		{[]rotatelog.Part{data("ab"), rotatelog.Copy(0, 10)}, "ab" + old},
		{[]rotatelog.Part{rotatelog.Copy(0, 9), data("ab")}, "012345678ab"},
		{[]rotatelog.Part{data("<"), rotatelog.Copy(2, 3), data("|"), rotatelog.Copy(7, 3), data(">")}, "<234|789>"},
		{[]rotatelog.Part{rotatelog.Copy(5, 5), rotatelog.Copy(0, 5)}, "5678901234"},
		{[]rotatelog.Part{rotatelog.Copy(2, 5), rotatelog.Copy(4, 5)}, "2345645678"},
		{[]rotatelog.Part{rotatelog.Copy(3, 2), rotatelog.Copy(3, 2), rotatelog.Copy(3, 2)}, "343434"},
		{[]rotatelog.Part{rotatelog.Copy(4, 0), data("x"), rotatelog.Copy(10, 0)}, "x"},
		{[]rotatelog.Part{data(""), rotatelog.Copy(1, 1), data(""), rotatelog.Data(nil)}, "1"},
		{[]rotatelog.Part{data("")}, ""},
		{nil, ""},
	} {
		key := fmt.Sprint(prefix, i)
		v := mustWrite(t, s, key, "", text(old), nil).Version
		mustWrite(t, s, key, v, c.parts, nil)
		wantContent(t, s, key, c.want)
	}
	mustWrite(t, s, prefix+"empty", "", nil, nil)
	wantContent(t, s, prefix+"empty", "")
}

func writeLarge(t testing.TB, s rotatelog.Store, prefix string) {
	key := prefix + "object"
	body := pattern(1<<20 + 4321)
	v := mustWrite(t, s, key, "", []rotatelog.Part{rotatelog.Data(body)}, nil).Version
	wantContent(t, s, key, string(body))

	tail := pattern(70_001)
	end := int64(len(body)) - 2
	mustWrite(t, s, key, v, []rotatelog.Part{rotatelog.Copy(0, end), rotatelog.Data(tail)}, nil)
	wantContent(t, s, key, string(body[:end])+string(tail))
}

func writeManyParts(t testing.TB, s rotatelog.Store, prefix string) {
	key := prefix + "object"
	old := string(pattern(1000))
	v := mustWrite(t, s, key, "", text(old), nil).Version
	var parts []rotatelog.Part
	var want strings.Builder
	for i := range 300 {
		if i%3 == 0 {
			parts = append(parts, rotatelog.Copy(int64(3*i), int64(i%7)))
			want.WriteString(old[3*i : 3*i+i%7])
		} else {
			word := fmt.Sprintf("<%d>", i)
			parts = append(parts, rotatelog.Data([]byte(word)))
			want.WriteString(word)
		}
	}
	mustWrite(t, s, key, v, parts, nil)
	wantContent(t, s, key, want.String())
}

func writeBadCopy(t testing.TB, s rotatelog.Store, prefix string) {
	key := prefix + "object"
	before := mustWrite(t, s, key, "", text("0123456789"), nil)
	for _, bad := range []rotatelog.Part{
		rotatelog.Copy(0, 11), rotatelog.Copy(10, 1), rotatelog.Copy(5, 6), rotatelog.Copy(11, 0), rotatelog.Copy(1000, 1),
		rotatelog.Copy(-1, 1), rotatelog.Copy(3, -1), rotatelog.Copy(1, 1<<63-1),
	} {
		parts := []rotatelog.Part{rotatelog.Data([]byte("x")), bad, rotatelog.Data([]byte("y"))}
		if err := s.Write(t.Context(), key, before.Version, parts, nil); err == nil {
			t.Errorf("Copy(%d, %d) of 10 bytes: no error", bad.Off, bad.Len)
		}
		wantUnchanged(t, s, key, before, "0123456789")
	}
	if err := s.Write(t.Context(), prefix+"new", "", []rotatelog.Part{rotatelog.Copy(0, 1)}, nil); err == nil {
		t.Errorf("Copy without an old version: no error")
	}
	wantAbsent(t, s, prefix+"new")
}

func writeCreate(t testing.TB, s rotatelog.Store, prefix string) {
	key := prefix + "object"
	first := mustWrite(t, s, key, "", text("first"), map[string]string{"n": "1"})
	for _, content := range []string{"other", "first"} {
		if err := s.Write(t.Context(), key, "", text(content), map[string]string{"n": "2"}); !errors.Is(err, rotatelog.ErrConflict) {
			t.Errorf("Write of %q over an object that must not be there: %v, want ErrConflict", content, err)
		}
		wantUnchanged(t, s, key, first, "first")
	}
}

func writeReplace(t testing.TB, s rotatelog.Store, prefix string) {
	key := prefix + "object"
	first := mustWrite(t, s, key, "", text("first"), nil)
	second := mustWrite(t, s, key, first.Version, text("other"), map[string]string{"n": "2"})
	wantContent(t, s, key, "other")

	for _, parts := range [][]rotatelog.Part{text("third"), {rotatelog.Copy(0, 5), rotatelog.Data([]byte("!"))}} {
		if err := s.Write(t.Context(), key, first.Version, parts, map[string]string{"n": "3"}); !errors.Is(err, rotatelog.ErrConflict) {
			t.Errorf("Write over the version before: %v, want ErrConflict", err)
		}
		wantUnchanged(t, s, key, second, "other")
	}

	absent := prefix + "absent"
	if err := s.Write(t.Context(), absent, first.Version, text("x"), nil); err == nil {
		t.Errorf("Write over a version of an object that is not there: no error")
	}
	wantAbsent(t, s, absent)
}

func writeKeepsNothing(t testing.TB, s rotatelog.Store, prefix string) {
	key := prefix + "object"
	v := mustWrite(t, s, key, "", text("0123456789"), nil).Version

	buffer := []byte("dataSPARE") // appending to what is given would show in SPARE
	parts := []rotatelog.Part{rotatelog.Copy(0, 3), rotatelog.Data(buffer[:4]), rotatelog.Copy(8, 2)}
	meta := map[string]string{"name": "value"}
	mustWrite(t, s, key, v, parts, meta)

	if string(buffer) != "dataSPARE" || string(parts[1].Data) != "data" {
		t.Errorf("Write changed the Data: %q", buffer)
	}
	if parts[0].Data != nil || parts[0].Off != 0 || parts[0].Len != 3 || parts[2].Data != nil || parts[2].Off != 8 || parts[2].Len != 2 {
		t.Errorf("Write changed the parts: %+v", parts)
	}
	if !maps.Equal(meta, map[string]string{"name": "value"}) {
		t.Errorf("Write changed the metadata: %v", meta)
	}

	copy(buffer, "XXXXXXXXX")
	clear(parts)
	meta["name"], meta["other"] = "X", "X"
	wantContent(t, s, key, "012data89")
	if got := mustStat(t, s, key).Meta; len(got) > 0 && !maps.Equal(got, map[string]string{"name": "value"}) {
		t.Errorf("Write kept the map of metadata: %v", got)
	}
}

func metaReplaced(t testing.TB, s rotatelog.Store, prefix string) {
	key := prefix + "object"
	var v rotatelog.Version
	for i, meta := range []map[string]string{
		{"a": "1", "b": "2", "long-name-0": "x"},
		{"b": "3"},
		{"c": "4"},
		nil,
		{"a": "5"},
		{},
	} {
		o := mustWrite(t, s, key, v, text(fmt.Sprint("content ", i)), meta)
		if len(o.Meta) == 0 && len(meta) > 0 {
			t.Skipf("the Store lost the metadata, which it may: each upload will have to read the object's entries")
		}
		if !maps.Equal(o.Meta, meta) {
			t.Errorf("metadata is %v, want %v", o.Meta, meta)
		}
		v = o.Version
	}
}

// metaLarge keeps below 2 KB even where the header names on the wire count.
func metaLarge(t testing.TB, s rotatelog.Store, prefix string) {
	var ascii strings.Builder
	for b := byte('!'); b <= '~'; b++ {
		ascii.WriteByte(b)
	}
	meta := map[string]string{
		"ascii": ascii.String() + " " + ascii.String(),
		"ids":   strings.Repeat("0123456789abcdef,", 105),
	}
	o := mustWrite(t, s, prefix+"object", "", text("x"), meta)
	if len(o.Meta) == 0 {
		t.Skipf("the Store lost the metadata, which it may: each upload will have to read the object's entries")
	}
	if !maps.Equal(o.Meta, meta) {
		t.Errorf("metadata is %v, want %v", o.Meta, meta)
	}
}

func keysApart(t testing.TB, s rotatelog.Store, prefix string) {
	keys := []string{
		"all_api_rotating_logs/all_api_json_log_2025-07-10.json",
		"plain", "dir/plain", "dir/dir/plain", "a-b_c.d",
		"a b", "a+b", "a%20b", "a%2Fb", "a&b=c", "a?b", "a#b", "a;b", "a,b", "a:b", "a@b", "a$b", "a'b", "a(b)", "a!b", "a~b", "a*b",
		"dir with spaces/and file", "Zürich/größe", "日本語/ログ.json", "emoji-⚽",
	}
	for i, key := range keys {
		mustWrite(t, s, prefix+key, "", text(fmt.Sprint("content ", i)), nil)
	}
	for i, key := range keys {
		wantContent(t, s, prefix+key, fmt.Sprint("content ", i))
	}
}

// contextDone uses a ctx that is already done. Only a server that hangs could test
// one that ends midway.
func contextDone(t testing.TB, s rotatelog.Store, prefix string) {
	key := prefix + "object"
	before := mustWrite(t, s, key, "", text("before"), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	if _, err := s.Stat(ctx, key); err == nil {
		t.Errorf("Stat with a cancelled context: no error")
	}
	r, err := s.Read(ctx, key, before.Version, 0, -1)
	if err == nil {
		_, err = io.ReadAll(r)
		r.Close()
	}
	if err == nil {
		t.Errorf("Read with a cancelled context: no error")
	}
	if err := s.Write(ctx, key, before.Version, text("after"), nil); err == nil {
		t.Errorf("Write with a cancelled context: no error")
	}
	wantUnchanged(t, s, key, before, "before")
	if err := s.Write(ctx, prefix+"new", "", text("new"), nil); err == nil {
		t.Errorf("Write of a new object with a cancelled context: no error")
	}
	wantAbsent(t, s, prefix+"new")
}

// readersSeeWhole writes versions that consist of one letter each.
func readersSeeWhole(t testing.TB, s rotatelog.Store, prefix string) {
	key := prefix + "object"
	content := func(i int) string { return strings.Repeat(string(rune('a'+i)), 50_000+1000*i) }
	v := mustWrite(t, s, key, "", text(content(0)), nil).Version

	look := func() {
		o, err := s.Stat(t.Context(), key)
		if err != nil {
			t.Errorf("Stat: %v", err)
			return
		}
		got, err := read(t, s, key, o.Version, 0, -1)
		if errors.Is(err, rotatelog.ErrConflict) {
			return // replaced in between
		}
		if err != nil {
			t.Errorf("Read: %v", err)
		} else if len(got) == 0 || string(got) != content(int(got[0]-'a')) || int64(len(got)) != o.Size {
			t.Errorf("a reader saw %d bytes that are no version, of a Size of %d", len(got), o.Size)
		}
	}
	whileWriting(3, look, func() {
		for i := 1; i < 20; i++ {
			if err := s.Write(t.Context(), key, v, text(content(i)), nil); err != nil {
				t.Errorf("Write: %v", err)
				return
			}
			o, err := s.Stat(t.Context(), key)
			if err != nil {
				t.Errorf("Stat: %v", err)
				return
			}
			v = o.Version
		}
	})
}

func writersRace(t testing.TB, s rotatelog.Store, prefix string) {
	const writers = 8
	key := prefix + "object"
	var old rotatelog.Version // the first race is one to create
	before := "nothing"
	for round := range 4 {
		errs := make([]error, writers)
		content := func(i int) string { return fmt.Sprintf("round %d writer %d", round, i) }
		together(writers, func(i int) {
			errs[i] = s.Write(t.Context(), key, old, text(content(i)), nil)
		})

		after := before
		o, err := s.Stat(t.Context(), key)
		if err == nil {
			after = mustRead(t, s, key, o)
		} else if old != "" || !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("Stat: %v", err)
		}
		wantOneWinner(t, errs, before, after, content)
		old, before = o.Version, after
	}
}

// wantOneWinner compares what the writers of content(i) were answered with the
// object's content afterwards.
func wantOneWinner(t testing.TB, errs []error, before, after string, content func(i int) string) {
	t.Helper()
	var applied, unknown int
	known := after == before
	for i, err := range errs {
		mine := after == content(i)
		known = known || mine
		switch {
		case err == nil:
			applied++
			if !mine {
				t.Errorf("Write of %q: no error, but there is %q", content(i), after)
			}
		case !errors.Is(err, rotatelog.ErrConflict):
			unknown++
		case mine:
			t.Errorf("Write of %q: %v, but there it is", content(i), err)
		}
	}
	if applied > 1 {
		t.Errorf("%d writes over one version were applied", applied)
	}
	if applied+unknown == 0 {
		t.Errorf("all %d writes over the current version return ErrConflict", len(errs))
	}
	if !known {
		t.Errorf("there is %q, which nobody wrote", after)
	}
}

// appendersRace has writers append lines as the publisher appends uploads.
func appendersRace(t testing.TB, s rotatelog.Store, prefix string) {
	const writers, lines = 8, 10
	key := prefix + "object"
	mustWrite(t, s, key, "", nil, nil)
	together(writers, func(i int) {
		for n := range lines {
			line := fmt.Sprintf("writer %d line %d\n", i, n)
			if err := appendLine(t, s, key, line); err != nil {
				t.Errorf("appending %q: %v", line, err)
				return
			}
		}
	})

	o := mustStat(t, s, key)
	got := strings.SplitAfter(mustRead(t, s, key, o), "\n")
	count := map[string]int{}
	for _, line := range got[:len(got)-1] {
		count[line]++
	}
	for i := range writers {
		for n := range lines {
			line := fmt.Sprintf("writer %d line %d\n", i, n)
			if count[line] != 1 {
				t.Errorf("%q is there %d times", line, count[line])
			}
			delete(count, line)
		}
	}
	if len(count) > 0 || got[len(got)-1] != "" {
		t.Errorf("there is something that nobody wrote: %v, %q", count, got[len(got)-1])
	}
}

// appendLine appends until the line is there. After an error from Write, only a
// look at the object shows whether it is.
func appendLine(t testing.TB, s rotatelog.Store, key, line string) error {
	var last error
	for range 1000 {
		o, err := s.Stat(t.Context(), key)
		if err != nil {
			return err
		}
		body, err := read(t, s, key, o.Version, 0, -1)
		if errors.Is(err, rotatelog.ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		if bytes.Contains(body, []byte(line)) {
			return nil
		}
		parts := []rotatelog.Part{rotatelog.Copy(0, o.Size), rotatelog.Data([]byte(line))}
		if last = s.Write(t.Context(), key, o.Version, parts, nil); last == nil {
			return nil
		}
	}
	return fmt.Errorf("no progress in 1000 attempts; the last error: %w", last)
}

// together runs f(0) to f(n-1) at the same time, and waits for them.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// whileWriting has n goroutines look repeatedly until write is done.
func whileWriting(n int, look, write func()) {
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range n {
		wg.Go(func() {
			for {
				look()
				select {
				case <-done:
					return
				default:
					runtime.Gosched() // on one processor, those who look would keep others from it
				}
			}
		})
	}
	write()
	close(done)
	wg.Wait()
}

func text(s string) []rotatelog.Part { return []rotatelog.Part{rotatelog.Data([]byte(s))} }

// pattern returns n bytes in which each piece of 8 is the number of the piece.
func pattern(n int) []byte {
	b := make([]byte, 0, n+8)
	piece := []byte("0000000\n")
	for len(b) < n {
		b = append(b, piece...)
		for i := 6; ; i-- { // the next number
			if piece[i]++; piece[i] <= '9' {
				break
			}
			piece[i] = '0'
		}
	}
	return b[:n]
}

func mustWrite(t testing.TB, s rotatelog.Store, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) rotatelog.Object {
	t.Helper()
	if err := s.Write(t.Context(), key, old, parts, meta); err != nil {
		t.Fatalf("Write: %v", err)
	}
	return mustStat(t, s, key)
}

func mustStat(t testing.TB, s rotatelog.Store, key string) rotatelog.Object {
	t.Helper()
	o, err := s.Stat(t.Context(), key)
	if err != nil {
		t.Fatalf("Stat: %v", err)
	}
	return o
}

func mustRead(t testing.TB, s rotatelog.Store, key string, o rotatelog.Object) string {
	t.Helper()
	b, err := read(t, s, key, o.Version, 0, -1)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return string(b)
}

// read returns the bytes that were read, even if there is an error.
func read(t testing.TB, s rotatelog.Store, key string, v rotatelog.Version, off, n int64) ([]byte, error) {
	r, err := s.Read(t.Context(), key, v, off, n)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	return b, err
}

func wantContent(t testing.TB, s rotatelog.Store, key, want string) {
	t.Helper()
	o := mustStat(t, s, key)
	if o.Size != int64(len(want)) {
		t.Errorf("Size of %s is %d, want %d", key, o.Size, len(want))
	}
	if got := mustRead(t, s, key, o); got != want {
		t.Errorf("%s is %s, want %s", key, brief(got), brief(want))
	}
}

func wantUnchanged(t testing.TB, s rotatelog.Store, key string, before rotatelog.Object, content string) {
	t.Helper()
	after := mustStat(t, s, key)
	if after.Version != before.Version || !maps.Equal(after.Meta, before.Meta) {
		t.Errorf("the object was %+v, and is %+v", before, after)
	}
	wantContent(t, s, key, content)
}

func wantAbsent(t testing.TB, s rotatelog.Store, key string) {
	t.Helper()
	if o, err := s.Stat(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat of %s, which is not there: %+v, %v, want fs.ErrNotExist", key, o, err)
	}
}

func brief(s string) string {
	if len(s) > 200 {
		return fmt.Sprintf("%q… (%d bytes)", s[:200], len(s))
	}
	return fmt.Sprintf("%q", s)
}
