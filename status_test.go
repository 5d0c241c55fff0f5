package rotatelog_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/storetest"
)

// inspect returns what the spool says, and wants nothing on the disk to be changed, or
// locked, by that.
func (b *bench) inspect() rotatelog.SpoolStatus {
	b.t.Helper()
	b.onDisk(func(op crashfs.Op) error {
		if op.Mutates || op.Kind == "Lock" {
			b.t.Errorf("Inspect does %s %s", op.Kind, op.Name)
		}
		return nil
	})
	defer b.onDisk(nil)
	s, err := rotatelog.InspectOn(b.disk, "all_api")
	if err != nil {
		b.t.Fatal(err)
	}
	if len(s.Problems) > 0 {
		b.t.Errorf("%q", s.Problems)
	}
	text, err := json.Marshal(s)
	var again rotatelog.SpoolStatus
	if err == nil {
		err = json.Unmarshal(text, &again)
	}
	if diff := cmp.Diff(s, again); err != nil || diff != "" {
		b.t.Errorf("%v: as JSON it is another\n%s", err, diff)
	}
	return s
}

// TestInspectRunningWriter: what waits, what was confirmed, and where the batch being
// filled is.
func TestInspectRunningWriter(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		if s := b.inspect(); s.Number != 0 || !s.Day.IsZero() || !s.Unclean || len(s.Pending)+len(s.Confirmed)+len(s.Damaged) > 0 {
			t.Errorf("%+v", s)
		}
		b.append(ten...)
		pass(2 * time.Second)
		b.onStore(storeAway)
		b.append(ten...)
		b.append(1, 2)
		pass(time.Minute)
		s := b.inspect()
		if s.Name != "all_api" || s.Day.String() != today || s.Number != 22 || s.Unfinished.Fetches != 2 || s.Unfinished.Bytes == 0 {
			t.Errorf("%+v", s)
		}
		if len(s.Confirmed) != 1 || s.Confirmed[0].Sequence != 1 || s.Confirmed[0].Last != 10 {
			t.Errorf("%+v", s.Confirmed)
		}
		if len(s.Pending) != 1 || s.Pending[0].First != 11 || s.Pending[0].Fetches != 10 || s.Pending[0].ID != "ID00000002" ||
			s.Pending[0].Bytes == 0 || s.Inspected.Sub(s.Pending[0].Sealed).Round(time.Minute) != time.Minute {
			t.Errorf("%+v", s.Pending)
		}
		if s.Append == nil || s.Append.Unfinished.Matches != 3 || s.Publish == nil || s.Publish.LastFailure.Sentence != "look at "+dayA+": connection refused" {
			t.Errorf("%+v, %+v", s.Append, s.Publish)
		}
		if s.Place != "all_api_rotating_logs/all_api" || !slices.Equal(s.Places, []string{s.Place}) {
			t.Errorf("%q of %q", s.Place, s.Places)
		}
		pass(12 * time.Second)
		if seen := s.Append.Seen(time.Now()); !strings.HasPrefix(seen, "seen ") || !strings.Contains(seen, " s ago by pid ") {
			t.Errorf("%q", seen)
		}
	})
}

// TestInspectAfterKill: a spool says the same whoever looks, before the next Open and
// after it, in every state that a kill may leave while a batch is sealed.
func TestInspectAfterKill(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.onStore(storeAway)
		b.open()
		b.append(1, 2, 3, 4, 5, 6, 7, 8)
		pass(time.Second)
		before := b.disk.Kill()
		b.Close()
		killed := 0
		for k := 1; ; k++ {
			b.setDisk(before.Kill())
			b.open()
			var ops atomic.Int64 // the publisher is at work as well
			b.onDisk(func(op crashfs.Op) error {
				if ops.Add(1) >= int64(k) && !strings.Contains(op.Name, "state.") {
					return crashfs.ErrPowerCut
				}
				return nil
			})
			acknowledged := 8
			for n := range 4 {
				if _, err := b.Append(t.Context(), counted(9+n)); err == nil {
					acknowledged++
				}
			}
			b.die()
			s := b.inspect()
			if s.Number < acknowledged || s.Number > acknowledged+1 {
				t.Errorf("killed at operation %d: number %d, and %d were acknowledged", k, s.Number, acknowledged)
			}
			if sealed := 10 * len(s.Pending); s.Unfinished.Fetches != s.Number-sealed {
				t.Errorf("killed at operation %d: %d of %d fetches are sealed, and %d are not", k, sealed, s.Number, s.Unfinished.Fetches)
			}
			b.open()
			if after := b.inspect(); after.Number != s.Number || after.Unfinished.Fetches+10*len(after.Pending) != s.Number || len(after.Pending) < len(s.Pending) {
				t.Errorf("killed at operation %d: %+v, and after the next Open %+v", k, s, after)
			}
			b.Close()
			if acknowledged == 12 {
				break
			}
			killed++
		}
		if killed < 10 {
			t.Errorf("the Writer was killed at %d operations only", killed)
		}
	})
}

// neverKnown is a Store of whose writes nobody knows what becomes.
type neverKnown struct{ *storetest.Mem }

func (neverKnown) WriteIntent(_ context.Context, key string, _ rotatelog.Version, _ []rotatelog.Part, _ map[string]string, note func(string) error) error {
	return errors.Join(note("sent "+key), errors.New("connection reset"))
}

func (neverKnown) Resolve(context.Context, string, func(string) error) error {
	return errors.New("connection reset")
}
func (neverKnown) Sweep(context.Context, string, []string) error { return nil }
func (neverKnown) MinCopy() int64                                { return 0 }

// TestInspectUnsettledWrite: a write that may still take effect, and its batches.
func TestInspectUnsettledWrite(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Store = neverKnown{b.mem}
		b.open()
		b.append(ten...)
		pass(time.Minute)
		s := b.inspect()
		if len(s.Unsettled) != 1 || s.Unsettled[0].Day.String() != today || !slices.Equal(s.Unsettled[0].IDs, []string{"ID00000001"}) || s.Unsettled[0].Place != s.Place {
			t.Errorf("%+v", s.Unsettled)
		}
	})
}

// TestInspectHalfSpool: what is there is said, and what cannot be understood is named.
func TestInspectHalfSpool(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.onStore(storeAway)
		b.open()
		b.append(ten...)
		b.append(1)
		pass(time.Second)
		b.Close()
		if err := b.disk.Remove("all_api.spool/uploaded"); err != nil {
			t.Fatal(err)
		}
		for name, content := range map[string]string{"all_api.spool/batch.json": "{", publishState: "", "all_api.spool/places.json": "[1]",
			"all_api.spool/damaged/0001-all_api.json": "torn"} {
			if err := b.disk.WriteFile(name, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := rotatelog.InspectOn(b.disk, "all_api")
		if err != nil || len(s.Pending) != 1 || s.Number != 11 || s.Unfinished.Fetches != 1 || s.Append == nil || s.Publish != nil {
			t.Errorf("%v: %+v", err, s)
		}
		if len(s.Damaged) != 1 || s.Damaged[0].Bytes != 4 {
			t.Errorf("%+v", s.Damaged)
		}
		for _, file := range []string{"batch.json", "places.json", "state.publish.json"} {
			if !slices.ContainsFunc(s.Problems, func(p string) bool { return strings.Contains(p, file) }) {
				t.Errorf("nothing of %s in %q", file, s.Problems)
			}
		}
		if err := b.disk.WriteFile(arrayName, []byte(`[{"a":1},{"b`), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err = rotatelog.InspectOn(b.disk, "all_api"); err != nil || s.Unfinished.Fetches != 1 || len(s.Problems) != 4 {
			t.Errorf("%v: %+v", err, s)
		}
	})
}

// TestInspectBodies: the whole copies of days are listed, whatever their compression, and
// not one that is being written.
func TestInspectBodies(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.Close()
		for _, name := range []string{"body-1999-12-30-zst", "body-1999-12-31", "body-1999-12-31.new", "body-x"} {
			if err := b.disk.WriteFile("all_api.spool/"+name, []byte("1234"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		bodies := b.inspect().Bodies
		if len(bodies) != 2 || bodies[0].Day.String() != "1999-12-30" || bodies[1].Day.String() != today || bodies[1].Bytes != 4 {
			t.Errorf("%+v", bodies)
		}
	})
}

// TestInspectRefusesWhatIsNoSpool: the error says what is there instead.
func TestInspectRefusesWhatIsNoSpool(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"empty.spool", "whole.spool/pending"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "file.spool"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		dir, name string
		is        error
		says      string
	}{
		{filepath.Join(dir, "none"), "", fs.ErrNotExist, "no such file"},
		{dir, "", fs.ErrNotExist, "the directory has those of empty, file, whole"},
		{filepath.Join(dir, "empty.spool"), "", fs.ErrNotExist, "no spool at all"},
		{dir, "empty", fs.ErrNotExist, "so is no spool"},
		{dir, "file", nil, "not a directory"},
		{dir, "../x", nil, "not the name of a stream"},
		{filepath.Join(dir, "file.spool"), "", nil, "not a directory"},
	} {
		_, err := rotatelog.Inspect(test.dir, test.name)
		if err == nil || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s, %q: %v; want %q", test.dir, test.name, err, test.says)
		}
	}
	if s, err := rotatelog.Inspect(dir, "whole"); err != nil || s.Number != 0 {
		t.Errorf("%v: %+v", err, s)
	}
	if _, err := os.Stat(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Inspect has made the directory: %v", err)
	}
}

// TestInspectWithoutPermission: a spool of another user cannot be read, and that is said.
func TestInspectWithoutPermission(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.Close()
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "ReadDir" {
				return fs.ErrPermission
			}
			return nil
		})
		_, err := rotatelog.InspectOn(b.disk, "all_api")
		if !errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "all_api.spool") {
			t.Errorf("%v", err)
		}
	})
}

// TestInspectNames: other programs read the JSON by its names.
func TestInspectNames(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.onStore(storeAway)
		b.open()
		b.append(ten...)
		synctest.Wait()
		text, err := json.Marshal(b.inspect())
		var top map[string]json.RawMessage
		if err == nil {
			err = json.Unmarshal(text, &top)
		}
		var pending []map[string]any
		if err == nil {
			err = json.Unmarshal(top["pending"], &pending)
		}
		if err != nil || len(pending) != 1 {
			t.Fatalf("%v\n%s", err, text)
		}
		wantNames(t, top, "append bodies confirmed damaged day dir inspected name number pending place places problems publish unclean unfinished unsettled")
		wantNames(t, pending[0], "bytes day fetches file first id last sealed")
	})
}

func wantNames[V any](t *testing.T, object map[string]V, want string) {
	t.Helper()
	var names []string
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestInspectBesideWriter: whatever the Writer moves meanwhile, the number of the last
// fetch is one that it had during the inspection.
func TestInspectBesideWriter(t *testing.T) {
	dir := t.TempDir()
	w := openReal(t, rotatelog.Config{Dir: dir, MaxFetches: 3, Sync: rotatelog.SyncSeal, KeepUploaded: -1, KeepFor: -1, Logger: slog.New(slog.DiscardHandler)})
	var acknowledged atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range 300 {
			if _, err := w.Append(t.Context(), counted(n)); err != nil {
				t.Error(err)
				return
			}
			acknowledged.Store(int64(n + 1))
		}
	}()
	for inspections := 0; ; inspections++ {
		before := acknowledged.Load()
		s, err := rotatelog.Inspect(dir, "")
		after := acknowledged.Load()
		if err != nil || len(s.Problems) > 0 {
			t.Fatalf("%v, %q", err, s.Problems)
		}
		if n := int64(s.Number); n < before || n > after+1 {
			t.Fatalf("number %d; %d were acknowledged before, and %d after", n, before, after)
		}
		select {
		case <-done:
			if s.Number == 300 {
				t.Logf("%d inspections", inspections)
				return
			}
		default:
		}
	}
}
