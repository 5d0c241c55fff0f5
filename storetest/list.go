package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
)

// listCases are the sentences of the contract of [rotatelog.Lister].
var listCases = []testCase{
	{"List returns the keys that begin with prefix, each once, in the order of their bytes", listKeys, false},
	{"List describes objects, and not what they contain or how they were written", listAfterWrites, false},
	{"List ends when it is left", listLeft, false},
	{"the end of ctx ends List with its cause", listContextDone, false},
}

// listerOf returns s as a Lister, if it is one.
func listerOf(t testing.TB, s rotatelog.Store, prefix string) rotatelog.Lister {
	t.Helper()
	l, ok := s.(rotatelog.Lister)
	if !ok {
		t.Skipf("the Store is no rotatelog.Lister")
	}
	if _, err := list(t.Context(), l, prefix); errors.Is(err, errors.ErrUnsupported) {
		t.Skipf("the Store cannot list: %v", err)
	}
	return l
}

func list(ctx context.Context, l rotatelog.Lister, prefix string) (keys []string, err error) {
	for key, err := range l.List(ctx, prefix) {
		if err != nil {
			return keys, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// wantListed allows for a list that lags behind.
func wantListed(t testing.TB, l rotatelog.Lister, prefix string, want []string) {
	t.Helper()
	var got []string
	for pause := time.Duration(0); pause < 5*time.Second; pause = 2*pause + 10*time.Millisecond {
		time.Sleep(pause)
		var err error
		if got, err = list(t.Context(), l, prefix); err != nil {
			t.Fatalf("List(%q): %v", prefix, err)
		}
		if slices.Equal(got, want) {
			return
		}
	}
	t.Fatalf("List(%q) = %q, want %q", prefix, got, want)
}

func listKeys(t testing.TB, s rotatelog.Store, prefix string) {
	l := listerOf(t, s, prefix)
	keys := []string{
		"all_api_json_log_2025-07-10.json", "all_api_json_log_2025-07-11.json", "all_api_json_log_2025-07-11.json.gz", "all_api_json_log",
		"dir/b", "dir/a", "dir/dir/a", "dir-b", "dir.a", "dir0", "dir b", "Dir", "dir!/x",
		"a b", "a+b", "a%20b", "a%2Bb", "a&b=c", "a<b>", "a\"b'", "a?b", "a#b", "a;b", "a,b", "a*b", "a~b", "Zürich/größe", "日本語/ログ.json", "emoji-⚽",
	}
	var all []string
	for _, key := range keys {
		mustWrite(t, s, prefix+key, "", text(key), nil)
		all = append(all, prefix+key)
	}
	slices.Sort(all)
	for _, under := range []string{
		"", "all_api_json_log", "all_api_json_log_", "all_api_json_log_2025-07-11.json", "d", "dir", "dir/", "dir/d", "dir/dir/", "dir/dir/a", "dir/dir/ab", "dir-",
		"D", "a", "a ", "a+", "a%", "a%2", "a<", "Z", "Zürich/", "日", "emoji", "none", "none/", "dir//",
	} {
		var want []string
		for _, key := range all {
			if strings.HasPrefix(key, prefix+under) {
				want = append(want, key)
			}
		}
		wantListed(t, l, prefix+under, want)
	}
}

func listAfterWrites(t testing.TB, s rotatelog.Store, prefix string) {
	l := listerOf(t, s, prefix)
	wantListed(t, l, prefix, nil)
	v := mustWrite(t, s, prefix+"b", "", nil, nil).Version
	wantListed(t, l, prefix, []string{prefix + "b"})
	mustWrite(t, s, prefix+"b", v, text("longer"), map[string]string{"n": "2"})
	if err := s.Write(t.Context(), prefix+"c", v, text("x"), nil); err == nil {
		t.Errorf("Write over a version of an object that is not there: no error")
	}
	mustWrite(t, s, prefix+"a/a", "", text("first"), nil)
	wantListed(t, l, prefix, []string{prefix + "a/a", prefix + "b"})
}

func listLeft(t testing.TB, s rotatelog.Store, prefix string) {
	l := listerOf(t, s, prefix)
	for i := range 3 {
		mustWrite(t, s, fmt.Sprint(prefix, i), "", nil, nil)
	}
	wantListed(t, l, prefix, []string{prefix + "0", prefix + "1", prefix + "2"})
	all := l.List(t.Context(), prefix)
	for n := 1; n <= 3; n++ {
		var got []string
		for key, err := range all { // which panics if it does not end
			if got = append(got, key); err != nil || len(got) == n {
				break
			}
		}
		if want := []string{prefix + "0", prefix + "1", prefix + "2"}[:n]; !slices.Equal(got, want) {
			t.Errorf("the first %d keys are %q, want %q", n, got, want)
		}
	}
}

func listContextDone(t testing.TB, s rotatelog.Store, prefix string) {
	l := listerOf(t, s, prefix)
	for i := range 3 {
		mustWrite(t, s, fmt.Sprint(prefix, i), "", nil, nil)
	}
	wantListed(t, l, prefix, []string{prefix + "0", prefix + "1", prefix + "2"})
	cause := errors.New("no more")
	for ends := range 3 {
		ctx, cancel := context.WithCancelCause(t.Context())
		if ends == 0 {
			cancel(cause)
		}
		var keys, errs int
		var last error
		for _, err := range l.List(ctx, prefix) {
			if last = err; err != nil {
				errs++
				continue
			}
			if keys++; keys == ends {
				cancel(cause)
			}
		}
		if keys > ends || errs != 1 || !errors.Is(last, cause) {
			t.Errorf("List, whose ctx ended after %d keys, returned %d keys and %d errors, the last of them %v; want one that is the cause, at the end", ends, keys, errs, last)
		}
		cancel(nil)
	}
}
