package rotatelog_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/storetest"
)

const (
	arrayName          = "all_api.json"
	maxBatchesInAWrite = 10
)

func TestLocalFileIsValidAndReadOnly(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		for i, want := range []string{
			"[\n]\n",
			"[\n{\n  \"a\": 1.10\n}\n]\n",
			"[\n{\n  \"a\": 1.10\n},\n{\n  \"b\": []\n}\n]\n",
		} {
			if i > 0 {
				b.Write([]byte([]string{`{"a":1.10}`, ` {"b":[ ]} `}[i-1]))
			}
			if got, _ := b.disk.ReadFile(arrayName); string(got) != want {
				t.Errorf("after %d fetches %q, want %q", i, got, want)
			}
		}
		info, err := b.disk.Stat(arrayName)
		if err != nil || info.Mode.Perm() != 0o400 {
			t.Errorf("mode %v, %v; want 0400", info.Mode, err)
		}
	})
}

// TestAppendCostsTheRecord: what is written for a fetch does not depend on what
// is in the file.
func TestAppendCostsTheRecord(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Verbatim, b.cfg.MaxFetches = true, 100
		b.open()
		b.append(1)
		synctest.Wait() // the publisher has nothing to do any more
		ops := b.record(func(op crashfs.Op) string {
			if op.Kind == "Stat" || op.Kind == "ReadDir" {
				return ""
			}
			return op.Kind
		})
		for range 98 {
			b.append(1)
		}
		want := strings.Split(strings.Repeat("WriteAt Sync ", 98), " ")
		if diff := cmp.Diff(want[:len(want)-1], ops()); diff != "" {
			t.Errorf("operations:\n%s", diff)
		}
	})
}

// TestSyncSealSyncsBeforeSealing: appends are not synced one by one, but before the batch is sealed.
func TestSyncSealSyncsBeforeSealing(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Sync, b.cfg.MaxFetches = rotatelog.SyncSeal, 4
		b.open()
		b.append(1)
		synctest.Wait()
		recorded := b.record(func(op crashfs.Op) string {
			if op.Kind == "Sync" || op.Kind == "Link" {
				return op.Kind
			}
			return ""
		})
		b.append(1, 1)
		if ops := recorded(); len(ops) > 0 {
			t.Errorf("two appends: %v", ops)
		}
		b.append(1)
		if ops := recorded(); len(ops) < 2 || ops[0] != "Sync" || ops[1] != "Link" {
			t.Errorf("a seal: %v", ops)
		}
	})
}

// TestSealCostsTwoSyncs: in addition to the append's own, as long as the day does
// not change.
func TestSealCostsTwoSyncs(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches = 1
		b.open()
		if _, err := b.disk.Lock("all_api.spool/publish.lock"); err != nil { // the publisher syncs, too
			t.Fatal(err)
		}
		b.append(1)
		synced := b.record(func(op crashfs.Op) string {
			if strings.HasPrefix(op.Kind, "Sync") {
				return op.Kind + " " + op.Name
			}
			return ""
		})
		b.append(2)
		b.reopen()
		b.append(3)
		want := []string{"Sync all_api.spool/spare.json", "SyncDir all_api.spool/pending", "SyncDir ."}
		want = append(want, "Sync all_api.json", want[1], want[2])
		if diff := cmp.Diff(want, synced()); diff != "" {
			t.Errorf("synced:\n%s", diff)
		}
	})
}

func TestWhatEditorsDoToTheArray(t *testing.T) {
	edits := map[string]func(b *bench, content []byte) error{
		"saves in place":   func(b *bench, c []byte) error { return b.disk.WriteFile(arrayName, append(c, ' '), 0o600) },
		"saves a new file": func(b *bench, c []byte) error { return b.disk.ReplaceFile(arrayName, append(c, ' '), 0o600) },
		"saves the same":   func(b *bench, c []byte) error { return b.disk.ReplaceFile(arrayName, c, 0o600) },
		"reformats":        func(b *bench, c []byte) error { return b.disk.WriteFile(arrayName, compact(c), 0o600) },
		"replaces":         func(b *bench, c []byte) error { return b.disk.ReplaceFile(arrayName, []byte("hello"), 0o600) },
		"empties":          func(b *bench, c []byte) error { return b.disk.WriteFile(arrayName, nil, 0o600) },
		"truncates":        func(b *bench, c []byte) error { return b.disk.WriteFile(arrayName, c[:len(c)/2], 0o600) },
		"deletes":          func(b *bench, c []byte) error { return b.disk.Remove(arrayName) },
		"links elsewhere": func(b *bench, c []byte) error {
			return errors.Join(b.disk.Remove(arrayName), b.disk.Symlink("all_api.spool/batch.json", arrayName))
		},
	}
	then := map[string]func(b *bench){
		"append": func(b *bench) { b.append(3) },
		"seal":   func(b *bench) { b.append(3, 4, 5, 6, 7, 8, 9, 10) },
		"flush":  func(b *bench) { b.flush(); b.append(3) },
	}
	for edit, change := range edits {
		for next, wantHealthy := range then {
			t.Run(edit+", then "+next, func(t *testing.T) {
				inBubble(t, func(t *testing.T, b *bench) {
					var reported []rotatelog.Repaired
					b.cfg.Hooks.Repaired = func(r rotatelog.Repaired) { reported = append(reported, r) }
					b.open()
					b.append(1, 2)
					content, _ := b.disk.ReadFile(arrayName)
					if err := change(b, bytes.Clone(content)); err != nil {
						t.Fatal(err)
					}
					foreign, ferr := b.disk.ReadFile(arrayName)
					wantHealthy(b)
					if len(reported) == 0 || b.Stats().Repaired != len(reported) {
						t.Fatalf("reported %v, Stats %d", reported, b.Stats().Repaired)
					}
					if edit == "deletes" {
						if len(reported) != 1 || reported[0].Quarantined != "" {
							t.Errorf("reported %+v", reported)
						}
					} else if aside := reported[0].Quarantined; aside == "" {
						t.Errorf("reported %+v, nothing set aside", reported)
					} else if kept, err := b.disk.ReadFile(aside); edit != "links elsewhere" && (err != nil || ferr != nil || !bytes.Equal(kept, foreign)) {
						t.Errorf("set aside %q, %v; want %q", kept, err, foreign)
					}
					b.flush()
					d := b.day(dayA)
					var got []string
					for _, u := range d.Uploads {
						for _, f := range u.Data {
							got = append(got, string(f))
						}
					}
					if len(got) < 3 {
						t.Fatalf("stored %q", got)
					}
					for i, f := range got {
						if f != string(counted(i+1)) {
							t.Errorf("fetch %d is stored as %s", i+1, f)
						}
					}
				})
			})
		}
	}
}

// TestEditorBetweenTwoAttemptsToSeal: the failed seal continues with what is in
// memory, whatever has become of the file since.
func TestEditorBetweenTwoAttemptsToSeal(t *testing.T) {
	for _, failing := range []crashfs.Op{
		{Kind: "Rename", To: "all_api.spool/pending"}, {Kind: "SyncDir", Name: "all_api.spool/pending"}, {Kind: "Rename", To: arrayName},
	} {
		inBubble(t, func(t *testing.T, b *bench) {
			b.cfg.MaxFetches = 2
			b.open()
			b.append(1)
			b.onDisk(func(op crashfs.Op) error {
				if op.Kind == failing.Kind && strings.HasPrefix(op.Name, failing.Name) && strings.HasPrefix(op.To, failing.To) {
					return syscall.EIO
				}
				return nil
			})
			b.append(2)
			b.onDisk(nil)
			b.disk.ReplaceFile(arrayName, []byte("hello"), 0o600)
			b.append(3)
			b.flush()
			if m := b.day(dayA).Metadata; m.Fetches != 3 || m.Matches != 6 {
				t.Errorf("%s of %s: %+v", failing.Kind, failing.Name+failing.To, m)
			}
		})
	}
}

func compact(b []byte) []byte {
	var out bytes.Buffer
	json.Compact(&out, b)
	return out.Bytes()
}

// TestRecoveryFromEveryState opens spools in every state that a crash, a power cut or a person
// may leave.
func TestRecoveryFromEveryState(t *testing.T) {
	const progress = "all_api.spool/batch.json"
	write := func(name, content string) func(*bench) {
		return func(b *bench) { b.disk.WriteFile(name, []byte(content), 0o600) }
	}
	for name, tt := range map[string]struct {
		damage  func(b *bench)
		fetches int    // that are left in the array
		aside   string // bytes that are set aside
		report  string
		first   int // number of the next fetch, less the fetches left
	}{
		"untouched":          {func(b *bench) {}, 2, "", "", 11},
		"torn record":        {write(arrayName, "[\n{\"a\":1},\n{\"b\":2},\n{\"c\":"), 2, "{\"c\":", "did not end", 11},
		"zeros":              {write(arrayName, "[\n{\"a\":1},\n\x00\x00\x00"), 1, "\x00\x00\x00", "did not end", 11},
		"no close":           {write(arrayName, "[\n{\"a\":1},\n{\"b\":2}"), 2, "", "did not end", 11},
		"no comma":           {write(arrayName, "[\n{\"a\":1}\n{\"b\":2}\n]\n"), 1, "{\"b\":2}", "did not end", 11},
		"other element":      {write(arrayName, "[\n{\"a\":1},\n12\n]\n"), 1, "12", "did not end", 11},
		"garbage":            {write(arrayName, "hello"), 0, "hello", "did not end", 11},
		"empty":              {write(arrayName, ""), 0, "", "did not end", 11},
		"reformatted":        {write(arrayName, " [ {\"a\":1} , {\"b\":2} ] \n\n"), 2, "", "", 11},
		"byte order mark":    {write(arrayName, "\ufeff[{\"a\":1}]"), 1, "", "", 11},
		"array missing":      {func(b *bench) { b.disk.Remove(arrayName) }, 0, "", "missing", 11},
		"progress missing":   {func(b *bench) { b.disk.Remove(progress) }, 2, "", "missing", 11},
		"progress garbage":   {write(progress, "{"), 2, "{", "does not parse", 11},
		"progress of zeros":  {write(progress, "\x00\x00"), 2, "\x00\x00", "does not parse", 11},
		"progress stale":     {write(progress, `{"day":"1999-12-31","first":1,"order":1,"last":[]}`), 2, "", "", 11},
		"leftover files":     {write("all_api.spool/spare.json", "[{}"), 2, "", "", 11},
		"foreign in pending": {write("all_api.spool/pending/.DS_Store", "x"), 2, "", "", 11},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				var reported []rotatelog.Repaired
				b.cfg.Hooks.Repaired = func(r rotatelog.Repaired) { reported = append(reported, r) }
				b.open()
				b.append(ten...)
				b.flush()
				b.append(1, 2)
				b.Close()
				reported = nil
				tt.damage(b)
				b.open()
				if n := len(b.array()); n != tt.fetches {
					t.Errorf("%d fetches are left, want %d", n, tt.fetches)
				}
				var aside []byte
				reports := fmt.Sprint(reported)
				for _, r := range reported {
					if r.Quarantined != "" {
						aside, _ = b.disk.ReadFile(r.Quarantined)
					}
				}
				if !strings.Contains(string(aside), tt.aside) || (aside == nil) != (tt.aside == "") {
					t.Errorf("%q was set aside, want %q", aside, tt.aside)
				}
				if !strings.Contains(reports, tt.report) || tt.report == "" && len(reported) > 0 {
					t.Errorf("reported %v, want %q", reported, tt.report)
				}
				if r := b.append(3)[0]; r.Number != tt.first+tt.fetches || r.Position != tt.fetches+1 {
					t.Errorf("next: %+v", r)
				}
				b.flush()
				if d := b.day(dayA); d.Metadata.Fetches != 10+tt.fetches+1 || d.Metadata.Uploads != 2 {
					t.Errorf("%+v", d.Metadata)
				}
			})
		})
	}
}

// TestKilledWhileSealingStoresTheBatchOnce kills the Writer after every operation of a seal: the batch must be
// stored once.
func TestKilledWhileSealingStoresTheBatchOnce(t *testing.T) {
	for k := int64(1); ; k++ {
		var ops atomic.Int64
		inBubble(t, func(t *testing.T, b *bench) {
			b.cfg.MaxFetches = 3
			b.onStore(func(storetest.Op) storetest.Fault {
				return storetest.Fault{Err: errors.New("away"), Skip: true}
			})
			b.open()
			b.append(1, 2)
			b.onDisk(func(crashfs.Op) error {
				if ops.Add(1) >= k {
					return crashfs.ErrPowerCut
				}
				return nil
			})
			_, err := b.Append(t.Context(), counted(3))
			acknowledged := err == nil
			b.die()
			b.onStore(nil)
			b.open()
			b.flush()
			d := b.day(dayA)
			if n := d.Metadata.Fetches; n != 3 && (n != 2 || acknowledged) {
				t.Errorf("killed at operation %d: %d fetches, acknowledged %v", k, n, acknowledged)
			}
			seen := map[string]int{}
			for _, u := range d.Uploads {
				for _, f := range u.Data {
					if seen[string(f)]++; seen[string(f)] > 1 {
						t.Errorf("killed at operation %d: %s is stored twice", k, f)
					}
				}
			}
			if r := b.append(4)[0]; r.Number != d.Metadata.Fetches+1 {
				t.Errorf("killed at operation %d: next %+v", k, r)
			}
		})
		if ops.Load() < k {
			return
		}
	}
}

// TestRecoveryOfEveryCutAndFlip cuts the local file at every byte and flips a bit of
// every byte: Open must not fail, must keep every fetch before the damage, and must
// lose no byte: the rest is set aside.
func TestRecoveryOfEveryCutAndFlip(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Verbatim = true
		b.open()
		b.append(1, 2, 3)
		b.Close()
		whole, _ := b.disk.ReadFile(arrayName)
		ends := []int{len(whole) + 1} // that no damage is before
		for i := range whole {
			if bytes.HasSuffix(whole[:i], []byte("}}")) {
				ends = append(ends, i)
			}
		}
		check := func(what string, at int, content []byte) {
			b.disk.WriteFile(arrayName, content, 0o400)
			b.open()
			fetches := b.array()
			for i, end := range ends[1:] {
				if end <= at && (len(fetches) <= i || string(fetches[i]) != string(counted(i+1))) {
					t.Errorf("%s at byte %d: fetch %d is gone: %s", what, at, i+1, fetches)
				}
			}
			if _, err := b.Append(t.Context(), counted(9)); err != nil {
				t.Errorf("%s at byte %d: %v", what, at, err)
			}
			if n := len(b.array()); n != len(fetches)+1 {
				t.Errorf("%s at byte %d: %d fetches after the next", what, at, n)
			}
			b.Close()
		}
		for at := range whole {
			check("cut", at, bytes.Clone(whole[:at]))
			flipped := bytes.Clone(whole)
			flipped[at] ^= 0x10
			check("flip", at, flipped)
		}
	})
}

// FuzzRecovery opens a spool with any local file and any batch.json.
func FuzzRecovery(f *testing.F) {
	f.Add([]byte("[\n{\"a\":1},\n{\"b\":2}\n]\n"), []byte(`{"day":"1999-12-31","first":1,"order":1,"last":[]}`))
	f.Add([]byte("[{\"a\":1},{\"b\":"), []byte(`{"day":"1999-12-31","first":3,"order":2,"last":[{"day":"1999-12-31","number":2}]}`))
	f.Add([]byte("\ufeff[]"), []byte("{}"))
	f.Add([]byte("{}"), []byte(""))
	f.Fuzz(func(t *testing.T, array, progress []byte) {
		inBubble(t, func(t *testing.T, b *bench) {
			b.open()
			b.Close()
			b.disk.WriteFile(arrayName, array, 0o400)
			b.disk.WriteFile("all_api.spool/batch.json", progress, 0o600)
			b.open()
			before := len(b.array())
			r := b.append(1)[0]
			if n := len(b.array()); n != 0 && n != r.Position {
				t.Errorf("%d fetches in the array, then place %d", n, r.Position)
			}
			b.flush()
			stored := 0
			for _, key := range b.mem.Keys() {
				stored += b.day(key).Metadata.Fetches
			}
			if stored < before+1 {
				t.Errorf("%d fetches were kept, %d are stored", before+1, stored)
			}
		})
	})
}

func TestBatchOfAPastDayIsSealedAtOpen(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(1, 2)
		b.Close()
		time.Sleep(24 * time.Hour)
		var reason string
		b.cfg.Hooks.Sealed = func(s rotatelog.Sealed) { reason = s.Reason }
		b.open()
		if err := b.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := b.day(dayA); d.Metadata.Fetches != 2 || reason != "past day" {
			t.Errorf("%+v, reason %q", d.Metadata, reason)
		}
		if r := b.append(3)[0]; r.Day.String() != "2000-01-01" || r.Number != 1 {
			t.Errorf("%+v", r)
		}
	})
}

// TestReplayedFetchesChangeTheDay replays fetches that say when they were made: midnight and Open
// leave their batches alone, a change of day in either direction does not.
func TestReplayedFetchesChangeTheDay(t *testing.T) {
	at := func(day string, n int) []byte {
		return fmt.Appendf(nil, `{"FETCH_HEADER":{"nyc_timestamp":"%s 03:45:22 PM EDT"},"FETCH_FOOTER":{"total_matches":%d}}`, day, n)
	}
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.TimeOf = rotatelog.HeaderTime
		b.open()
		for i, day := range []string{"07/10/2025", "07/10/2025", "07/11/2025", "07/10/2025"} {
			if _, err := b.Append(t.Context(), at(day, i)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(25 * time.Hour)
			b.reopen()
		}
		if _, err := b.Append(t.Context(), counted(1)); !errors.Is(err, rotatelog.ErrInvalidFetch) {
			t.Errorf("a fetch without a time: %v", err)
		}
		if n := len(b.array()); n != 1 {
			t.Errorf("%d fetches wait, want 1", n)
		}
		b.flush()
		const key = "all_api_rotating_logs/all_api_json_log_2025-07-%d.json"
		a, z := b.day(fmt.Sprintf(key, 10)), b.day(fmt.Sprintf(key, 11))
		if a.Metadata.Uploads != 2 || a.Metadata.Fetches != 3 || z.Metadata.Fetches != 1 {
			t.Errorf("%+v\n%+v", a.Metadata, z.Metadata)
		}
		if a.Uploads[0].Timestamp != "07/10/2025 12:00:00 AM EDT" {
			t.Errorf("sealed on an earlier day: %s, want the day's first second", a.Uploads[0].Timestamp)
		}
	})
}

// TestClockStepSealsTheBatch: on any change of date the batch is sealed, and each fetch goes
// to the day that the clock showed.
func TestClockStepSealsTheBatch(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		clock := &steppedClock{}
		b.cfg.Clock = clock
		b.open()
		for i, step := range []time.Duration{0, 24 * time.Hour, -24 * time.Hour, -24 * time.Hour} {
			clock.step(step)
			r := b.append(i)[0]
			if want := rotatelog.DayOf(clock.Now(), time.FixedZone("", -5*3600)); r.Day != want {
				t.Errorf("step %d: day %v, want %v", i, r.Day, want)
			}
		}
		b.flush()
		if n := len(b.mem.Keys()); n != 3 {
			t.Errorf("objects %q, want 3", b.mem.Keys())
		}
		if d := b.day(dayA); d.Metadata.Fetches != 2 || d.Metadata.Uploads != 2 {
			t.Errorf("%+v", d.Metadata)
		}
	})
}

// TestMidnightDuringSuspendIsNoticed: while the machine slept no timer ran, but the wall clock is
// looked at soon after.
func TestMidnightDuringSuspendIsNoticed(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		clock := &steppedClock{}
		b.cfg.Clock = clock
		b.open()
		b.append(1)
		clock.step(10 * time.Hour)
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if d := b.day(dayA); d.Metadata.Fetches != 1 {
			t.Errorf("%+v", d.Metadata)
		}
	})
}

func TestLongAndShortDays(t *testing.T) {
	zone, _ := time.LoadLocation("America/New_York")
	for _, tt := range []struct {
		month time.Month
		date  int
		hours int
	}{{3, 9, 23}, {7, 10, 24}, {11, 2, 25}} {
		inBubble(t, func(t *testing.T, b *bench) {
			begin := time.Date(2025, tt.month, tt.date, 0, 0, 0, 0, zone)
			b.cfg.Clock = &steppedClock{off: time.Until(begin)}
			b.cfg.MaxFetches = 1000
			b.open()
			for range tt.hours {
				b.append(1)
				time.Sleep(time.Hour)
				synctest.Wait()
			}
			b.append(1)
			b.flush()
			key := fmt.Sprintf("all_api_rotating_logs/all_api_json_log_2025-%02d-%02d.json", tt.month, tt.date)
			if d := b.day(key); d.Metadata.Fetches != tt.hours || d.Metadata.Uploads != 1 {
				t.Errorf("%d hours: %+v", tt.hours, d.Metadata)
			}
		})
	}
}

func TestOutageIsCaughtUpInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		writes := 0
		b.onStore(func(op storetest.Op) storetest.Fault { return storetest.Fault{Err: errors.New("away"), Skip: true} })
		b.open()
		for range 23 {
			b.append(ten...)
		}
		time.Sleep(5 * time.Minute)
		b.onStore(func(op storetest.Op) storetest.Fault {
			if op.Name == "write" {
				writes++
			}
			return storetest.Fault{}
		})
		if err := b.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := b.day(dayA); d.Metadata.Uploads != 23 || writes != 3 {
			t.Errorf("%d uploads in %d writes, want 23 in 3", d.Metadata.Uploads, writes)
		}
		if s := b.Stats(); s.Failed < 8 || s.Failed > 20 || s.LastError != nil || s.Uploaded != 23 {
			t.Errorf("%+v", s)
		}
	})
}

// TestLogIsWhatAnOperatorNeeds spells out the log of an ordinary run and of a
// failure.
func TestLogIsWhatAnOperatorNeeds(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		fail := 0
		b.onStore(func(op storetest.Op) storetest.Fault {
			if fail--; fail >= 0 {
				return storetest.Fault{Err: errors.New("503 SlowDown"), Skip: true}
			}
			return storetest.Fault{}
		})
		b.open()
		b.append(ten...)
		b.flush()
		fail = 3
		b.append(ten...)
		time.Sleep(6 * time.Hour)
		want := []string{
			`INFO msg="batch sealed" day=1999-12-31 first=1 last=10 fetches=10 reason=full`,
			`INFO msg="daily file created" day=1999-12-31 key=all_api_rotating_logs/all_api_json_log_1999-12-31.json`,
			`INFO msg=uploaded day=1999-12-31 sequence=1 fetches=10 matches=55 day_fetches=10 day_matches=55`,
			`INFO msg="batch sealed" day=1999-12-31 first=11 last=20 fetches=10 reason=full`,
			`WARN msg="upload failed; the batches wait on disk" waiting=1 attempt=1`,
			`WARN msg="upload failed; the batches wait on disk" waiting=1 attempt=2`,
			`ERROR msg="upload failed; the batches wait on disk" waiting=1 attempt=3`,
			`INFO msg=uploaded day=1999-12-31 sequence=2 fetches=10 matches=55 day_fetches=20 day_matches=110`,
			`INFO msg=ready day=1999-12-31 key=all_api_rotating_logs/all_api_json_log_1999-12-31.json uploads=2 fetches=20 matches=110 waiting=0`,
			`INFO msg="day changed" yesterday=1999-12-31 uploads=2 fetches=20 matches=110`,
		}
		lines := strings.Split(strings.TrimSpace(b.log.String()), "\n")
		if len(lines) != len(want) {
			t.Fatalf("%d lines, want %d:\n%s", len(lines), len(want), b.log)
		}
		for i, line := range lines {
			if !strings.Contains(line, "level="+want[i]) {
				t.Errorf("line %d:\n%s\nwant\n%s", i+1, line, want[i])
			}
		}
		if !strings.Contains(lines[4], "look at all_api_rotating_logs/all_api_json_log_1999-12-31.json: 503 SlowDown") {
			t.Errorf("the reason is missing: %s", lines[4])
		}
	})
}

// TestKeyIsNamedOnce: if the Store's error names operation and key, they are not
// added again.
func TestKeyIsNamedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.onStore(func(op storetest.Op) storetest.Fault {
			return storetest.Fault{Err: &rotatelog.Error{Op: op.Name, Key: op.Key, Err: errors.New("503 SlowDown")}}
		})
		b.append(ten...)
		synctest.Wait()
		if err := b.Stats().LastError; err == nil || err.Error() != "stat "+dayA+": 503 SlowDown" {
			t.Errorf("%v", err)
		}
	})
}

// TestOtherDocumentIsNotOverwritten: what is at the key is not ours, so nothing is written,
// and a Flush says so at once.
func TestOtherDocumentIsNotOverwritten(t *testing.T) {
	for _, content := range []string{"", "hello", "[]", "{}", `{"uploads":{}}`, `{"uploads":[1]}`, `{"uploads":[]`} {
		inBubble(t, func(t *testing.T, b *bench) {
			b.mem.Put(dayA, []byte(content), nil)
			b.open()
			b.append(1)
			err := b.Flush(t.Context())
			if e, ok := errors.AsType[*rotatelog.Error](err); !ok || e.Key != dayA || !errors.Is(err, rotatelog.ErrPermanent) {
				t.Errorf("%q: %v", content, err)
			}
			time.Sleep(time.Hour)
			if got := b.mem.Bytes(dayA); string(got) != content || len(b.pending()) != 1 {
				t.Errorf("%q became %q; pending %q", content, got, b.pending())
			}
		})
	}
}

func TestOldScriptsDayIsAppendedTo(t *testing.T) {
	old, err := os.ReadFile(filepath.Join("testdata", "old_script_day.json"))
	if err != nil {
		t.Fatal(err)
	}
	inBubble(t, func(t *testing.T, b *bench) {
		b.mem.Put(dayA, old, nil)
		b.open()
		b.append(ten...)
		b.flush()
		b.append(ten...)
		b.flush()
		got := b.mem.Bytes(dayA)
		golden(t, "old_script_day_appended.json", got)
		if m := parseDayLoosely(t, got).Metadata; m.Uploads != 4 || m.Fetches != 3+20 || m.Matches != 7+110 {
			t.Errorf("%+v", m)
		}
	})
}

func TestMaxPendingBytes(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxPendingBytes = 2000
		b.onStore(func(storetest.Op) storetest.Fault { return storetest.Fault{Err: errors.New("away"), Skip: true} })
		b.open()
		stored := 0
		for {
			_, err := b.Append(t.Context(), counted(1))
			if errors.Is(err, rotatelog.ErrSpoolFull) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			stored++
		}
		b.reopen()
		if _, err := b.Append(t.Context(), counted(1)); !errors.Is(err, rotatelog.ErrSpoolFull) {
			t.Errorf("after a restart: %v", err)
		}
		if stored < 20 || stored > 40 {
			t.Errorf("%d fetches fit", stored)
		}
		b.onStore(nil)
		if err := b.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.append(1)
		b.flush()
		if d := b.day(dayA); d.Metadata.Fetches != stored+1 {
			t.Errorf("%d fetches, want %d", d.Metadata.Fetches, stored+1)
		}
	})
}

// TestBatchLargerThanMaxPendingBytes: a limit below the size of a batch makes the
// batches smaller, and does not refuse fetches until midnight.
func TestBatchLargerThanMaxPendingBytes(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxPendingBytes = 300
		b.open()
		for i := range 20 {
			_, err := b.Append(t.Context(), counted(1))
			if errors.Is(err, rotatelog.ErrSpoolFull) {
				synctest.Wait() // the store takes what waits
				_, err = b.Append(t.Context(), counted(1))
			}
			if err != nil {
				t.Fatalf("fetch %d: %v", i+1, err)
			}
		}
		b.flush()
		if m := b.day(dayA).Metadata; m.Fetches != 20 {
			t.Errorf("%+v", m)
		}
	})
}

// TestBatchesOfALongOutageAreUploadedInOrder: ten thousand batches have piled up. Open reads none of them, and
// they are uploaded in order, several to a write.
func TestBatchesOfALongOutageAreUploadedInOrder(t *testing.T) {
	t.Parallel()
	batches := depth.N(1000, 2000, 10_000)
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.Logger = 1, slog.New(slog.DiscardHandler)
		b.onStore(func(storetest.Op) storetest.Fault { return storetest.Fault{Err: errors.New("away"), Skip: true} })
		b.open()
		for i := range batches {
			b.append(i)
		}
		b.Close()
		var reads, writes atomic.Int64
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "ReadAt" {
				reads.Add(1)
			}
			return nil
		})
		b.open()
		if n := reads.Load(); n > 10 {
			t.Errorf("Open read %d times", n)
		}
		b.onDisk(nil)
		b.onStore(func(op storetest.Op) storetest.Fault {
			if op.Name == "write" {
				writes.Add(1)
			}
			return storetest.Fault{}
		})
		if err := b.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, u := range b.day(dayA).Uploads {
			if string(u.Data[0]) != string(counted(i)) {
				t.Fatalf("upload %d is %s", i+1, u.Data[0])
			}
		}
		if m := b.day(dayA).Metadata; m.Uploads != batches || writes.Load() > int64(batches)/maxBatchesInAWrite+1 {
			t.Errorf("%d uploads in %d writes", m.Uploads, writes.Load())
		}
	})
}

// TestSealOfAnUploadedBatchIsNotRepeatedWithTheNextArray: the array has begun again, but
// its name cannot be made durable; meanwhile the batch is uploaded, and its name is
// gone from pending/. When that directory cannot be synced either, the batch gets its
// name again: of what it held, not of the array that is there now.
func TestSealOfAnUploadedBatchIsNotRepeatedWithTheNextArray(t *testing.T) {
	for _, links := range []bool{true, false} {
		inBubble(t, func(t *testing.T, b *bench) {
			b.cfg.MaxFetches = 3
			b.open()
			b.append(1, 2)
			var renamed atomic.Bool
			var unsyncable atomic.Value
			unsyncable.Store(".")
			b.onDisk(func(op crashfs.Op) error {
				if op.Kind == "Rename" && op.To == arrayName {
					renamed.Store(true)
				}
				switch {
				case op.Kind == "Link" && !links:
					return syscall.EPERM
				case op.Kind == "SyncDir" && op.Name == unsyncable.Load() && renamed.Load():
					return syscall.EIO
				}
				return nil
			})
			b.append(3)
			time.Sleep(45 * time.Second) // between two turns at finishing the seal
			if b.mem.Bytes(dayA) == nil || len(b.pending()) != 0 {
				t.Fatalf("links %t: the batch should have been uploaded; %q wait", links, b.pending())
			}
			unsyncable.Store("all_api.spool/pending")
			if err := b.Seal(t.Context()); !errors.Is(err, syscall.EIO) {
				t.Fatalf("links %t: seal: %v", links, err)
			}
			unsyncable.Store("")
			b.append(4)
			b.reopen()
			b.flush()
			if m, n := b.day(dayA).Metadata, b.Stats().Repaired; m.Uploads != 2 || m.Fetches != 4 || m.Matches != 10 || n != 0 {
				t.Errorf("links %t: %+v, %d repairs\n%s", links, m, n, b.log)
			}
			kept := 0
			for name, content := range b.disk.Tree() {
				var fetches []json.RawMessage
				if !strings.HasPrefix(name, "all_api.spool/uploaded/1999") {
					continue
				}
				if err := json.Unmarshal([]byte(content), &fetches); err != nil || len(fetches) == 0 {
					t.Errorf("links %t: of what is in the store %s keeps %q", links, name, content)
				}
				kept++
			}
			if kept != 2 {
				t.Errorf("links %t: %d batches are kept", links, kept)
			}
		})
	}
}

func TestReadFrom(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		n, err := b.ReadFrom(strings.NewReader("{\"a\":1}\n{\"b\":\n2}{\"c\":3}\r\n"))
		if err != nil || n < 22 || len(b.array()) != 3 {
			t.Errorf("%d bytes, %v, %d fetches", n, err, len(b.array()))
		}
		n, err = b.ReadFrom(strings.NewReader("{\"a\":1}\n{\"b\":}\n{\"c\":3}"))
		if err == nil || n != 7 || !strings.Contains(err.Error(), "line 2") || len(b.array()) != 4 {
			t.Errorf("%d bytes, %v, %d fetches", n, err, len(b.array()))
		}
		if _, err = b.ReadFrom(strings.NewReader("12")); !errors.Is(err, rotatelog.ErrInvalidFetch) {
			t.Errorf("%v", err)
		}
	})
}

func TestAppendFetch(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(1)
		r, err := b.AppendFetch(t.Context(), rotatelog.Fetch{
			Data: []byte(`{"results":[1, 2]}`), ID: "aBc123XyZ456", Took: 2847 * time.Millisecond,
			TotalMatches: 45, MatchesInPlay: 12, StatusBreakdown: []string{"Status ID 2 (First half): 8 matches"},
		})
		if err != nil || r.Matches != 45 || r.Number != 2 {
			t.Fatalf("%+v, %v", r, err)
		}
		want := `{"FETCH_HEADER":{"fetch_number":2,"random_fetch_id":"aBc123XyZ456","nyc_timestamp":"12/31/1999 07:00:00 PM EST","fetch_start":"=== RAW API DATA START ==="},` +
			`"RAW_API_DATA":{"results":[1,2]},` +
			`"FETCH_FOOTER":{"fetch_number":2,"random_fetch_id":"aBc123XyZ456","nyc_timestamp":"12/31/1999 07:00:00 PM EST","pipeline_completion_time_seconds":2.847,"total_matches":45,"matches_in_play":12,"match_status_breakdown":["Status ID 2 (First half): 8 matches"],"fetch_end":"=== RAW API DATA END ==="}}`
		b.flush()
		if got := string(b.day(dayA).Uploads[0].Data[1]); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}
