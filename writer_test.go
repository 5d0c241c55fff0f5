package rotatelog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/s3store"
	"example.com/rotatelog/storetest"
)

// bench is a Writer on a disk and a store in memory. In a bubble, where every
// test runs it, time begins at 1999-12-31 19:00 in New York.
type bench struct {
	t     *testing.T
	disk  *crashfs.FS
	mem   *storetest.Mem
	mu    sync.Mutex // guards the two hooks
	fault func(storetest.Op) storetest.Fault
	fail  func(crashfs.Op) error
	cfg   rotatelog.Config
	log   *lockedBuffer
	ids   int

	others int
	*rotatelog.Writer
}

// newID numbers the batches, so that golden files do not change.
func (b *bench) newID() string {
	b.ids++
	return fmt.Sprintf("ID%08d", b.ids)
}

const (
	today = "1999-12-31"
	dayA  = "all_api_rotating_logs/all_api_json_log_1999-12-31.json"
	dayB  = "all_api_rotating_logs/all_api_json_log_2000-01-01.json"
)

// inBubble runs a test on a new bench, in virtual time.
func inBubble(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, disk: crashfs.New(), mem: storetest.NewMem(), log: new(lockedBuffer)}
		b.cfg = rotatelog.Config{
			Store: &storetest.Faulty{Store: b.mem, Fault: func(op storetest.Op) storetest.Fault {
				b.mu.Lock()
				fault := b.fault
				b.mu.Unlock()
				if fault == nil {
					return storetest.Fault{}
				}
				return fault(op)
			}},
			Logger: slog.New(slog.NewTextHandler(b.log, nil)),
		}
		b.setDisk(b.disk)
		defer func() {
			if b.Writer != nil {
				b.Close()
			}
		}()
		test(t, b)
	})
}

func (b *bench) open() {
	b.t.Helper()
	w, err := rotatelog.Open(b.t.Context(), rotatelog.OnDisk(b.cfg, b.disk, b.newID))
	if err != nil {
		b.t.Fatalf("open: %v", err)
	}
	b.Writer = w
	synctest.Wait() // until its publisher has looked around, which is not what a test is after
}

// setDisk makes disk the one in use, with the failures that onDisk sets.
func (b *bench) setDisk(disk *crashfs.FS) {
	disk.Now = time.Now
	disk.Before = func(op crashfs.Op) error {
		b.mu.Lock()
		fail := b.fail
		b.mu.Unlock()
		if fail == nil {
			return nil
		}
		return fail(op)
	}
	b.disk = disk
}

// onStore says what goes wrong with the store from now on.
func (b *bench) onStore(fault func(storetest.Op) storetest.Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = fault
}

// onDisk says which operations of the disk fail from now on.
func (b *bench) onDisk(fail func(crashfs.Op) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = fail
}

// record returns what the disk is asked to do from now on, as far as it has a name: the
// publisher may be at work meanwhile.
func (b *bench) record(name func(crashfs.Op) string) (recorded func() []string) {
	var mu sync.Mutex
	var ops []string
	b.onDisk(func(op crashfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if name := name(op); name != "" {
			ops = append(ops, name)
		}
		return nil
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(ops)
	}
}

// reopen ends the Writer and opens another.
func (b *bench) reopen() {
	b.t.Helper()
	if err := b.Close(); err != nil {
		b.t.Fatalf("close: %v", err)
	}
	b.open()
}

// die is kill -9.
func (b *bench) die() {
	disk := b.disk.Kill()
	b.onDisk(func(crashfs.Op) error { return crashfs.ErrPowerCut })
	b.Close()
	b.onDisk(nil)
	b.setDisk(disk)
}

// append appends fetches with the given match counts.
func (b *bench) append(matches ...int) (receipts []rotatelog.Receipt) {
	b.t.Helper()
	for _, n := range matches {
		r, err := b.Append(b.t.Context(), counted(n))
		if err != nil {
			b.t.Fatalf("append: %v", err)
		}
		receipts = append(receipts, r)
	}
	return receipts
}

func counted(n int) []byte {
	return fmt.Appendf(nil, `{"FETCH_FOOTER":{"total_matches":%d}}`, n)
}

func (b *bench) flush() {
	b.t.Helper()
	if err := b.Flush(b.t.Context()); err != nil {
		b.t.Fatalf("flush: %v", err)
	}
	synctest.Wait() // until the publisher has done what is not waited for, too
}

// day returns a day's object, which must be there.
func (b *bench) day(key string) dayObject {
	b.t.Helper()
	content := b.mem.Bytes(key)
	if content == nil {
		b.t.Fatalf("no object %s; there are %q", key, b.mem.Keys())
	}
	return parseDay(b.t, key, content)
}

// array returns the fetches of the local file, which must parse.
func (b *bench) array() []json.RawMessage {
	b.t.Helper()
	content, err := b.disk.ReadFile("all_api.json")
	if err != nil {
		b.t.Fatal(err)
	}
	var fetches []json.RawMessage
	if err := json.Unmarshal(content, &fetches); err != nil {
		b.t.Fatalf("all_api.json: %v\n%s", err, content)
	}
	return fetches
}

func (b *bench) pending() []string {
	b.t.Helper()
	names, err := b.disk.ReadDir("all_api.spool/pending")
	if err != nil {
		b.t.Fatal(err)
	}
	return names
}

var ten = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10} // 55 matches

// The eight defects of the script that this package replaces.

func TestDefect1ReadErrorIsNotNoFileYet(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(ten...)
		b.flush()
		before := b.mem.Bytes(dayA)
		for _, cause := range []error{context.DeadlineExceeded, errors.New("403 Forbidden"), errors.New("500 InternalError")} {
			for _, op := range []string{"stat", "read"} {
				b.mem.Put(dayA, before, nil) // without metadata it has to be read
				b.onStore(func(o storetest.Op) storetest.Fault {
					if o.Name == op {
						return storetest.Fault{Err: cause, Skip: true}
					}
					return storetest.Fault{}
				})
				b.append(ten...)
				time.Sleep(10 * time.Minute)
				if got := b.mem.Bytes(dayA); !bytes.Equal(got, before) {
					t.Fatalf("%s failed with %q, and the object was written:\n%s", op, cause, got)
				}
			}
		}
		b.onStore(nil)
		b.flush()
		if d := b.day(dayA); d.Metadata.Fetches != 70 || d.Metadata.Matches != 7*55 {
			t.Errorf("in the end: %+v", d.Metadata)
		}
	})
}

func TestDefect2FailedUploadKeepsTheBatch(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.onStore(func(op storetest.Op) storetest.Fault {
			if op.Name == "write" {
				return storetest.Fault{Err: errors.New("503 SlowDown"), Skip: true}
			}
			return storetest.Fault{}
		})
		b.open()
		b.append(ten...)
		time.Sleep(10 * time.Minute)
		if n := len(b.pending()); n != 1 {
			t.Fatalf("%d batches are pending, want 1", n)
		}
		b.reopen()
		b.onStore(nil)
		b.flush()
		if d := b.day(dayA); d.Metadata.Fetches != 10 {
			t.Errorf("%+v", d.Metadata)
		}
	})
}

func TestDefect3NoFileYetIsRecognized(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(1)
		b.flush()
		if d := b.day(dayA); d.Metadata.Uploads != 1 || d.Uploads[0].Sequence != 1 {
			t.Errorf("%+v", d.Metadata)
		}
	})
}

func TestDefect4RestartKeepsTheDaysTotals(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		for i := range 3 {
			b.append(ten...)
			b.flush()
			b.reopen()
			if d := b.day(dayA); d.Metadata.Matches != int64(55*(i+1)) {
				t.Fatalf("after restart %d: %+v", i, d.Metadata)
			}
		}
	})
}

func TestDefect5PayloadTextDoesNotChangeTheCount(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		total := int64(0)
		for _, tt := range []struct {
			fetch string
			want  int64
		}{
			{`{"RAW_API_DATA":{"note":"\"total_matches\": 99"},"FETCH_FOOTER":{"total_matches":3}}`, 3},
			{`{"RAW_API_DATA":{"FETCH_FOOTER":{"total_matches":99}},"FETCH_FOOTER":{"total_matches":4}}`, 4},
			{`{"FETCH_FOOTER":{"total_matches":null}}`, 0},
			{`{"RAW_API_DATA":{"total_matches":99}}`, 0},
			{`{"FETCH_FOOTER":null}`, 0},
			{`{"FETCH_FOOTER":{"total_matches":1},"FETCH_FOOTER":{"total_matches":5}}`, 5},
		} {
			r, err := b.Append(t.Context(), []byte(tt.fetch))
			if err != nil || r.Matches != tt.want {
				t.Errorf("%s: %d matches, %v; want %d", tt.fetch, r.Matches, err, tt.want)
			}
			total += tt.want
		}
		b.flush()
		if d := b.day(dayA); d.Metadata.Matches != total {
			t.Errorf("total %d, want %d", d.Metadata.Matches, total)
		}
		if n := b.Stats().Uncounted; n != 0 {
			t.Errorf("%d uncounted", n)
		}
	})
}

func TestDefect6CrashAfterUploadDoesNotUploadTwice(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.onStore(func(op storetest.Op) storetest.Fault {
			if op.Name == "write" { // applied; the process does not live to see it
				return storetest.Fault{Err: errors.New("connection reset")}
			}
			if b.mem.Bytes(dayA) != nil {
				return storetest.Fault{Err: errors.New("connection refused"), Skip: true}
			}
			return storetest.Fault{}
		})
		b.open()
		b.append(ten...)
		synctest.Wait()
		if b.mem.Bytes(dayA) == nil || len(b.pending()) != 1 {
			t.Fatal("the batch should be uploaded and pending")
		}
		b.die()
		b.onStore(nil)
		b.open()
		b.flush()
		if d := b.day(dayA); d.Metadata.Uploads != 1 || len(b.pending()) != 0 {
			t.Errorf("%+v, pending %q", d.Metadata, b.pending())
		}
	})
}

func TestDefect7BatchSpanningMidnightIsSplit(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(1, 2, 3)
		time.Sleep(5*time.Hour + time.Second) // nothing is appended at midnight
		synctest.Wait()
		if n := len(b.array()); n != 0 {
			t.Fatalf("%d fetches of yesterday are still in the array", n)
		}
		r := b.append(4, 5)
		b.flush()
		if a, z := b.day(dayA), b.day(dayB); a.Metadata.Matches != 6 || z.Metadata.Matches != 9 {
			t.Errorf("%+v, then %+v", a.Metadata, z.Metadata)
		}
		if r[0].Number != 1 || r[0].Position != 1 {
			t.Errorf("the first fetch of the day: %+v", r[0])
		}
		if a := b.day(dayA); a.Uploads[0].Timestamp != "12/31/1999 11:59:59 PM EST" {
			t.Errorf("sealed at midnight: %s, want the day's last second", a.Uploads[0].Timestamp)
		}
	})
}

func TestDefect8PositionAndNumberAreTwoCounters(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		var got [][2]int
		for i := range 25 {
			r := b.append(1)[0]
			got = append(got, [2]int{r.Number, r.Position})
			if r.Sealed != (r.Position == 10) {
				t.Errorf("fetch %d: %+v", i+1, r)
			}
			if i%7 == 3 {
				b.reopen()
			}
		}
		var want [][2]int
		for i := range 25 {
			want = append(want, [2]int{i + 1, i%10 + 1})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("number and place:\n%s", diff)
		}
	})
}

// Bad input.

func TestInvalidFetchesAreRefused(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 501) + "1" + strings.Repeat("}", 501)
	for name, fetch := range map[string]string{
		"empty":            "",
		"white space":      " \n",
		"not JSON":         "hello",
		"array":            `[{"a":1}]`,
		"number":           "12",
		"null":             "null",
		"two values":       `{"a":1}{"b":2}`,
		"two lines":        "{\"a\":1}\n{\"b\":2}",
		"trailing garbage": `{"a":1}]`,
		"truncated":        `{"a":1`,
		"invalid UTF-8":    "{\"a\":\"\xff\"}",
		"NUL":              "{\"a\":\"\x00\"}",
		"NUL after":        "{\"a\":1}\x00",
		"control":          "{\"a\":\"\n\"}",
		"too deep":         deep,
		"depth bomb":       strings.Repeat("[", 1<<20),
		"object bomb":      strings.Repeat(`{"":`, 1<<20),
		"oversized":        `{"a":"` + strings.Repeat("x", 2<<20) + `"}`,
		"bad number":       `{"a":01}`,
		"bad escape":       `{"a":"\x"}`,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.cfg.MaxFetchBytes = 2 << 20
				b.open()
				b.append(1)
				r, err := b.Append(t.Context(), []byte(fetch))
				if !errors.Is(err, rotatelog.ErrInvalidFetch) || r != (rotatelog.Receipt{}) {
					t.Fatalf("%+v, %v; want ErrInvalidFetch", r, err)
				}
				if len(err.Error()) > 300 {
					t.Errorf("the message has %d bytes", len(err.Error()))
				}
				if n, err := b.Write([]byte(fetch)); n != 0 || !errors.Is(err, rotatelog.ErrInvalidFetch) {
					t.Errorf("Write: %d, %v", n, err)
				}
				if r := b.append(2)[0]; r.Number != 2 || len(b.array()) != 2 {
					t.Errorf("the next fetch: %+v", r)
				}
			})
		})
	}
}

func TestValidFetchesAreKeptAsSpelled(t *testing.T) {
	for name, fetch := range map[string]string{
		"empty object":      `{}`,
		"byte order mark":   "\ufeff{\"a\":1}",
		"white space":       " \r\n\t{ \"a\" : 1 }\n",
		"lone surrogate":    `{"a":"\ud800"}`,
		"duplicates":        `{"a":1,"a":2}`,
		"numbers":           `{"a":1.10,"b":1e3,"c":12345678901234567890,"d":-0.0,"e":1E+2}`,
		"escapes":           `{"a":"\u00e9\/\u003c<é","\u0061":1}`,
		"line separator":    "{\"a\":\"\u2028\"}",
		"as deep as it may": strings.Repeat(`{"a":`, 499) + "{}" + strings.Repeat("}", 499),
	} {
		for _, verbatim := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/verbatim=%v", name, verbatim), func(t *testing.T) {
				inBubble(t, func(t *testing.T, b *bench) {
					b.cfg.Verbatim = verbatim
					b.open()
					if _, err := b.Append(t.Context(), []byte(fetch)); err != nil {
						t.Fatal(err)
					}
					b.flush()
					got := string(b.day(dayA).Uploads[0].Data[0])
					want := strings.NewReplacer("\ufeff", "", " ", "", "\t", "", "\r", "", "\n", "").Replace(fetch)
					if got != want {
						t.Errorf("stored as\n%s\nwant\n%s", got, want)
					}
				})
			})
		}
	}
}

func TestUncountedFetchIsKept(t *testing.T) {
	for _, value := range []string{`"45"`, `-1`, `4.5`, `{}`, `1e99`, `true`} {
		fetch := fmt.Appendf(nil, `{"FETCH_FOOTER":{"total_matches":%s}}`, value)
		inBubble(t, func(t *testing.T, b *bench) {
			var reported []rotatelog.Uncounted
			b.cfg.Hooks.Uncounted = func(u rotatelog.Uncounted) { reported = append(reported, u) }
			b.open()
			r, err := b.Append(t.Context(), fetch)
			if err != nil || r.Matches != 0 {
				t.Errorf("%s: %+v, %v", value, r, err)
			}
			if len(reported) != 1 || reported[0].Number != 1 || b.Stats().Uncounted != 1 {
				t.Fatalf("%s: reported %v", value, reported)
			}
			if msg := reported[0].Err.Error(); !strings.Contains(msg, "FETCH_FOOTER.total_matches") || !strings.Contains(msg, value) {
				t.Errorf("%s: %q does not name path and value", value, msg)
			}
			b.flush()
		})
		inBubble(t, func(t *testing.T, b *bench) {
			b.cfg.StrictCount = true
			b.open()
			if _, err := b.Append(t.Context(), fetch); !errors.Is(err, rotatelog.ErrInvalidFetch) {
				t.Errorf("%s, strictly: %v", value, err)
			}
		})
	}
}

// Bad worlds.

// TestEachDiskFailureIsSurvived fails every operation of an append and a seal in turn, and wants
// a clear error, nothing lost, and a Writer that continues.
func TestEachDiskFailureIsSurvived(t *testing.T) {
	for _, cause := range []error{syscall.EIO, syscall.ENOSPC, crashfs.ShortWrite{N: 5, Err: syscall.ENOSPC}} {
		for k := int64(1); ; k++ {
			var ops atomic.Int64
			inBubble(t, func(t *testing.T, b *bench) {
				b.cfg.MaxFetches = 3
				b.open()
				b.append(1, 2)
				b.onDisk(func(crashfs.Op) error {
					if ops.Add(1) == k {
						return cause
					}
					return nil
				})
				good := 3
				for range 2 {
					if _, err := b.Append(t.Context(), counted(7)); err != nil {
						good--
						if e, ok := errors.AsType[*rotatelog.Error](err); !ok || e.Op != "append" || e.Key != "all_api.json" {
							t.Errorf("operation %d: %v", k, err)
						}
					}
				}
				b.onDisk(nil)
				b.append(9)
				b.flush()
				d := b.day(dayA)
				if want := 2 + good; d.Metadata.Fetches != want {
					t.Errorf("operation %d, %v: %d fetches, want %d\n%s", k, cause, d.Metadata.Fetches, want, b.log)
				}
			})
			if ops.Load() < k {
				break
			}
		}
	}
}

func TestOpenRefusesABadConfig(t *testing.T) {
	store := storetest.NewMem()
	for name, tt := range map[string]struct {
		cfg  rotatelog.Config
		want string
	}{
		"no Dir":             {rotatelog.Config{Store: store}, "Dir"},
		"no Store":           {rotatelog.Config{Dir: "x"}, "Store"},
		"nil DirStore":       {rotatelog.Config{Dir: "x", Store: (*dirstore.Store)(nil)}, "Store"},
		"nil S3Store":        {rotatelog.Config{Dir: "x", Store: (*s3store.Store)(nil)}, "Store"},
		"name with slash":    {rotatelog.Config{Dir: "x", Store: store, Name: "a/b"}, "Name"},
		"name of dots":       {rotatelog.Config{Dir: "x", Store: store, Name: ".."}, "Name"},
		"prefix with dots":   {rotatelog.Config{Dir: "x", Store: store, Prefix: "../a/"}, "Prefix"},
		"absolute prefix":    {rotatelog.Config{Dir: "x", Store: store, Prefix: "/a/"}, "Prefix"},
		"negative batch":     {rotatelog.Config{Dir: "x", Store: store, MaxFetches: -1}, "MaxFetches"},
		"unknown SyncPolicy": {rotatelog.Config{Dir: "x", Store: store, Sync: 7}, "Sync"},
	} {
		w, err := rotatelog.Open(t.Context(), tt.cfg)
		if err == nil {
			w.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnreadablePendingFailsOpen(t *testing.T) {
	for _, kind := range []string{"ReadDir", "ReadAt", "Mkdir"} {
		inBubble(t, func(t *testing.T, b *bench) {
			b.open()
			b.append(1, 2)
			b.Close()
			b.onDisk(func(op crashfs.Op) error {
				if op.Kind == kind {
					return syscall.EIO
				}
				return nil
			})
			_, err := rotatelog.Open(t.Context(), rotatelog.OnDisk(b.cfg, b.disk, b.newID))
			if !errors.Is(err, syscall.EIO) {
				t.Errorf("%s: %v", kind, err)
			}
			b.onDisk(nil)
			b.open()
			if n := len(b.array()); n != 2 {
				t.Errorf("%s: %d fetches are left", kind, n)
			}
		})
	}
}

func TestSecondWriterIsLocked(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		cfg := rotatelog.OnDisk(b.cfg, b.disk, b.newID)
		if _, err := rotatelog.Open(t.Context(), cfg); !errors.Is(err, rotatelog.ErrLocked) {
			t.Fatalf("%v, want ErrLocked", err)
		}
		cfg.LockWait = time.Minute
		begin := time.Now()
		time.AfterFunc(30*time.Second, func() { b.Close() })
		w, err := rotatelog.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begin); d < 30*time.Second || d > 31*time.Second {
			t.Errorf("waited %v", d)
		}
		w.Close()
	})
}

// TestCloseAppendLetsTheNextOneAppend is how programs live that run once per fetch:
// the first continues to upload while the second appends.
func TestCloseAppendLetsTheNextOneAppend(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.onStore(func(op storetest.Op) storetest.Fault { return storetest.Fault{Delay: time.Minute} })
		b.open()
		first := b.Writer
		b.append(ten...)
		if err := first.CloseAppend(); err != nil {
			t.Fatal(err)
		}
		if _, err := first.Append(t.Context(), counted(1)); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("append after CloseAppend: %v", err)
		}
		b.open()
		if r := b.append(11)[0]; r.Number != 11 || r.Position != 1 {
			t.Errorf("%+v", r)
		}
		if err := first.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		first.Close()
		b.flush()
		if d := b.day(dayA); d.Metadata.Fetches != 11 || d.Metadata.Uploads != 2 {
			t.Errorf("%+v", d.Metadata)
		}
	})
}

// TestClosesAtOnceWaitForTheFirst: they must not wait with a lock, or time would not
// pass in the bubble, and this test would hang.
func TestClosesAtOnceWaitForTheFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.onStore(func(storetest.Op) storetest.Fault {
			time.Sleep(time.Minute) // whatever becomes of the context
			return storetest.Fault{}
		})
		b.open()
		b.append(ten...)
		synctest.Wait() // until a call of the store is under way
		begin := time.Now()
		var all sync.WaitGroup
		for _, end := range []func() error{b.Close, b.Close, b.CloseAppend, b.Close} {
			all.Go(func() {
				if err := end(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if took := time.Since(begin); took == 0 || took > time.Minute {
			t.Errorf("it took %v until all had returned", took)
		}
	})
}

func TestUseAfterCloseIsErrClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(1)
		for range 2 {
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		}
		_, err := b.Append(t.Context(), counted(1))
		for name, err := range map[string]error{"Append": err, "Flush": b.Flush(t.Context())} {
			if !errors.Is(err, fs.ErrClosed) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := b.Write(counted(1)); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("Write: %v", err)
		}
		if b.mem.Keys() != nil {
			t.Error("Close uploaded something")
		}
	})
}

func TestCancelledAppendReturnsAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := b.Append(ctx, counted(1)); !errors.Is(err, context.Canceled) {
			t.Errorf("before: %v", err)
		}
		if n := len(b.array()); n != 0 {
			t.Errorf("%d fetches were written", n)
		}

		// One append is in its fsync; a second waits for its turn, and gives up.
		syncing, proceed := make(chan struct{}), make(chan struct{})
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "Sync" {
				close(syncing)
				<-proceed
				b.onDisk(nil)
			}
			return nil
		})
		ctx, cancel = context.WithCancel(t.Context())
		var first, second error
		var both sync.WaitGroup
		both.Go(func() { _, first = b.Append(ctx, counted(1)) })
		<-syncing
		both.Go(func() { _, second = b.Append(ctx, counted(2)) })
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(proceed)
		both.Wait()
		if first != nil || !errors.Is(second, context.Canceled) {
			t.Errorf("during: %v, %v", first, second)
		}
		if n := len(b.array()); n != 1 {
			t.Errorf("%d fetches were written", n)
		}
		b.append(3)
	})
}

// TestGroupSharesOneFsync: all records that wait are written with the next group.
func TestGroupSharesOneFsync(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		syncs, proceed := 0, make(chan struct{})
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "Sync" {
				if syncs++; syncs == 1 {
					<-proceed
				}
			}
			return nil
		})
		var all sync.WaitGroup
		for range 9 {
			all.Go(func() { b.append(1) })
		}
		synctest.Wait()
		close(proceed)
		all.Wait()
		if n := len(b.array()); n != 9 || syncs != 2 {
			t.Errorf("%d fetches with %d fsyncs, want 9 with 2", n, syncs)
		}
	})
}
