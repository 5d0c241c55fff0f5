package storetest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"example.com/rotatelog"
)

// copyCases are the sentences of the contract of [rotatelog.Copier].
var copyCases = []testCase{
	{"Copy makes an object that has the content and the metadata of the version", copyMakes, false},
	{"if to already holds the copy, Copy returns nil and changes nothing", copyAgain, false},
	{"if to holds anything else the error must match fs.ErrExist, and to must stay", copyOverOther, false},
	{"if v is not the current version the error must match ErrConflict, and nothing is at to", copyStale, false},
	{"Copy must return soon after ctx is done, and copies nothing then", copyContextDone, false},
}

// copierOf returns s as a Copier, if it is one.
func copierOf(t testing.TB, s rotatelog.Store, prefix string) rotatelog.Copier {
	t.Helper()
	c, ok := s.(rotatelog.Copier)
	if !ok {
		t.Skipf("the Store is no rotatelog.Copier")
	}
	if err := c.Copy(t.Context(), prefix+"none", "none", prefix+"unsupported"); errors.Is(err, errors.ErrUnsupported) {
		t.Skipf("the Store cannot copy: %v", err)
	}
	return c
}

func mustCopy(t testing.TB, s rotatelog.Store, from string, v rotatelog.Version, to string) rotatelog.Object {
	t.Helper()
	if err := s.(rotatelog.Copier).Copy(t.Context(), from, v, to); err != nil {
		t.Fatalf("Copy(%s, %s): %v", from, to, err)
	}
	return mustStat(t, s, to)
}

func copyMakes(t testing.TB, s rotatelog.Store, prefix string) {
	copierOf(t, s, prefix)
	for i, key := range []string{"object", "dir/a b+c%20d", "größe.json.zst", "empty"} {
		content := string(pattern(300_000 * i))
		if key == "empty" {
			content = ""
		}
		meta := map[string]string{"ids": "1 a", "n": fmt.Sprint(i)}
		before := mustWrite(t, s, prefix+key, "", text(content), meta)
		to := prefix + "kept/" + key + "-20250711T010203Z-0123abcd"
		o := mustCopy(t, s, prefix+key, before.Version, to)
		wantContent(t, s, to, content)
		wantUnchanged(t, s, prefix+key, before, content)
		for name, value := range meta {
			if len(before.Meta) > 0 && o.Meta[name] != value {
				t.Errorf("the metadata of %s is %v, and that of the copy is %v", key, before.Meta, o.Meta)
			}
		}
		// The copy is an object like others, and neither is part of the other.
		after := mustWrite(t, s, prefix+key, before.Version, text("replaced"), nil)
		wantContent(t, s, to, content)
		mustWrite(t, s, to, o.Version, []rotatelog.Part{rotatelog.Copy(0, int64(len(content))), rotatelog.Data([]byte("more"))}, nil)
		wantContent(t, s, to, content+"more")
		wantUnchanged(t, s, prefix+key, after, "replaced")
	}
}

func copyAgain(t testing.TB, s rotatelog.Store, prefix string) {
	copierOf(t, s, prefix)
	from, to := prefix+"object", prefix+"copy"
	before := mustWrite(t, s, from, "", text("content"), map[string]string{"n": "1"})
	made := mustCopy(t, s, from, before.Version, to)
	if len(made.Meta) == 0 {
		t.Skipf("the Store lost the metadata, which it may: a copy is not known again")
	}
	again := mustCopy(t, s, from, before.Version, to)
	wantUnchanged(t, s, to, made, "content")
	if again.Version != made.Version {
		t.Errorf("the second Copy made the version %q of %q", again.Version, made.Version)
	}
	mustWrite(t, s, from, before.Version, text("other"), nil)
	mustCopy(t, s, from, before.Version, to)
	wantUnchanged(t, s, to, made, "content")
	// Of a copy, too.
	made = mustCopy(t, s, to, made.Version, prefix+"second")
	mustCopy(t, s, to, mustStat(t, s, to).Version, prefix+"second")
	wantUnchanged(t, s, prefix+"second", made, "content")
}

func copyOverOther(t testing.TB, s rotatelog.Store, prefix string) {
	c := copierOf(t, s, prefix)
	from, to := prefix+"object", prefix+"copy"
	first := mustWrite(t, s, from, "", text("content"), map[string]string{"n": "1"})
	want := func(v rotatelog.Version, over rotatelog.Object, content string) {
		t.Helper()
		if err := c.Copy(t.Context(), from, v, to); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Copy over %q: %v, want fs.ErrExist", content, err)
		}
		wantUnchanged(t, s, to, over, content)
		wantContent(t, s, from, "content")
	}
	o := mustWrite(t, s, to, "", text("foreign"), nil) // of the same size
	want(first.Version, o, "foreign")
	o = mustWrite(t, s, to, o.Version, text("short"), first.Meta)
	want(first.Version, o, "short")

	to = prefix + "stale"
	o = mustCopy(t, s, from, first.Version, to)
	second := mustWrite(t, s, from, first.Version, text("another"), nil)
	third := mustWrite(t, s, from, second.Version, text("content"), map[string]string{"n": "3"})
	if third.Version != first.Version { // hashes of the content may come back
		want(third.Version, o, "content")
	}
	if err := c.Copy(t.Context(), from, third.Version, from); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Copy onto itself: %v, want fs.ErrExist", err)
	}
	wantUnchanged(t, s, from, third, "content")
}

func copyStale(t testing.TB, s rotatelog.Store, prefix string) {
	c := copierOf(t, s, prefix)
	from, to := prefix+"object", prefix+"copy"
	first := mustWrite(t, s, from, "", text("content"), nil)
	second := mustWrite(t, s, from, first.Version, text("longer content"), nil)
	for _, stale := range []struct {
		key string
		v   rotatelog.Version
	}{{from, first.Version}, {from, ""}, {prefix + "none", second.Version}, {prefix + "none", ""}} {
		if err := c.Copy(t.Context(), stale.key, stale.v, to); !errors.Is(err, rotatelog.ErrConflict) {
			t.Errorf("Copy of the version %q of %s, which is not there: %v, want ErrConflict", stale.v, stale.key, err)
		}
		wantAbsent(t, s, to)
	}
	wantUnchanged(t, s, from, second, "longer content")
	mustCopy(t, s, from, second.Version, to)
	wantContent(t, s, to, "longer content")
}

func copyContextDone(t testing.TB, s rotatelog.Store, prefix string) {
	c := copierOf(t, s, prefix)
	o := mustWrite(t, s, prefix+"object", "", text("content"), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Copy(ctx, prefix+"object", o.Version, prefix+"copy"); err == nil || errors.Is(err, fs.ErrExist) || errors.Is(err, rotatelog.ErrConflict) {
		t.Errorf("Copy with a cancelled context: %v, want its cause", err)
	}
	wantAbsent(t, s, prefix+"copy")
}
