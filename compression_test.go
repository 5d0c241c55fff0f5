package rotatelog_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/storetest"
)

// suffixes are the ends of the keys of each compression, after .json.
var suffixes = map[rotatelog.Compression]string{rotatelog.Uncompressed: "", rotatelog.Zstd: ".zst", rotatelog.Gzip: ".gz"}

// inPairs runs a test for each change of Config.Compression.
func inPairs(t *testing.T, test func(t *testing.T, b *bench, from, to rotatelog.Compression)) {
	t.Helper()
	for from := range suffixes {
		for to := range suffixes {
			if from != to {
				t.Run(fmt.Sprintf("%v to %v", from, to), func(t *testing.T) {
					inBubble(t, func(t *testing.T, b *bench) {
						b.cfg.Compression = from
						test(t, b, from, to)
					})
				})
			}
		}
	}
}

// wantKeys wants these objects in the store, and no others.
func (b *bench) wantKeys(want ...string) {
	b.t.Helper()
	want = slices.Sorted(slices.Values(want))
	if got := b.mem.Keys(); !slices.Equal(got, want) {
		b.t.Errorf("keys %q, want %q", got, want)
	}
}

// TestDayKeepsItsCompression: another Config.Compression takes effect the next day,
// even if batch.json is lost.
func TestDayKeepsItsCompression(t *testing.T) {
	depth.SkipInShort(t)
	t.Parallel()
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprintf("lost=%v", lost), func(t *testing.T) {
			inPairs(t, func(t *testing.T, b *bench, from, to rotatelog.Compression) {
				var keys []string
				b.cfg.Hooks.Uploaded = func(u rotatelog.Uploaded) { keys = append(keys, u.Key) }
				keyA, keyB := dayA+suffixes[from], dayB+suffixes[to]
				b.open()
				b.append(ten...)
				b.flush()
				b.cfg.Compression = to
				b.Close()
				if lost {
					if err := b.disk.Remove("all_api.spool/batch.json"); err != nil {
						t.Fatal(err)
					}
				}
				b.open()
				b.append(ten...)
				b.flush()
				b.wantKeys(keyA)
				untilNextDay()
				b.append(ten...)
				b.flush()
				b.wantKeys(keyA, keyB)
				if a, b := b.day(keyA).Metadata, b.day(keyB).Metadata; a.Fetches != 20 || b.Fetches != 10 {
					t.Errorf("%+v, %+v", a, b)
				}
				if want := []string{keyA, keyA, keyB}; !slices.Equal(keys, want) {
					t.Errorf("Uploaded reported %q, want %q", keys, want)
				}
			})
		})
	}
}

// TestDayBeginsAtItsFirstSeal: until then no object has the fetches.
func TestDayBeginsAtItsFirstSeal(t *testing.T) {
	inPairs(t, func(t *testing.T, b *bench, from, to rotatelog.Compression) {
		b.open()
		b.append(1, 2, 3)
		b.cfg.Compression = to
		b.reopen()
		b.flush()
		b.wantKeys(dayA + suffixes[to])
	})
}

// TestUnknownOutcomeKeepsItsCompression: a batch may have been uploaded before a
// restart with another Config.Compression.
func TestUnknownOutcomeKeepsItsCompression(t *testing.T) {
	for _, applied := range []bool{false, true} {
		t.Run(fmt.Sprintf("applied=%v", applied), func(t *testing.T) {
			inPairs(t, func(t *testing.T, b *bench, from, to rotatelog.Compression) {
				b.onStore(func(op storetest.Op) storetest.Fault {
					lost := storetest.Fault{Err: errors.New("connection reset"), Skip: !applied}
					if op.Name == "stat" && b.mem.Bytes(op.Key) == nil {
						return storetest.Fault{}
					}
					return lost
				})
				b.open()
				b.append(ten...)
				time.Sleep(time.Minute)
				b.die()
				b.onStore(nil)
				b.cfg.Compression = to
				b.open()
				b.append(ten...)
				b.flush()
				b.wantKeys(dayA + suffixes[from])
				if m := b.day(dayA + suffixes[from]).Metadata; m.Uploads != 2 || m.Fetches != 20 {
					t.Errorf("%+v", m)
				}
			})
		})
	}
}

// TestTwoCompressionsOfADay: if a spool was lost and begun again, batches of one day
// can have two compressions. Each then has its own object, which grows and is closed
// independently.
func TestTwoCompressionsOfADay(t *testing.T) {
	depth.SkipInShort(t)
	t.Parallel()
	inPairs(t, func(t *testing.T, b *bench, from, to rotatelog.Compression) {
		b.large()
		var reported []rotatelog.Totals
		b.cfg.Hooks.DayComplete = func(d rotatelog.Totals) { reported = append(reported, d) }
		b.cfg.MaxFetches = 1
		found := b.losses()
		b.onStore(func(storetest.Op) storetest.Fault { return storetest.Fault{Err: errors.New("away"), Skip: true} })
		b.open()
		b.append(1, 2, 3, 4)
		b.die()
		for i, name := range slices.Sorted(slices.Values(b.pending())) {
			if i%2 == 1 {
				rename(t, b.disk, name, from, to)
			}
		}
		b.onStore(nil)
		b.open()
		b.flush()
		keys := []string{dayA + suffixes[from], dayA + suffixes[to]}
		b.wantKeys(keys...)
		if b, a := b.day(keys[0]).Metadata, b.day(keys[1]).Metadata; b.Matches != 1+3 || a.Matches != 2+4 {
			t.Errorf("%+v, %+v", b, a)
		}
		before := map[string]rotatelog.Object{}
		content := map[string][]byte{}
		for _, key := range keys {
			b.wantLayout(key, false)
			before[key], _ = b.mem.Stat(t.Context(), key)
			content[key] = b.mem.Bytes(key)
		}
		b.append(5)
		b.flush()
		replaced := ""
		for _, key := range keys { // somebody replaces what has grown by what it was
			if now, _ := b.mem.Stat(t.Context(), key); now.Version != before[key].Version {
				b.mem.Put(key, content[key], before[key].Meta)
				replaced = key
			}
		}
		b.append(6)
		b.flush()
		wantOneLoss(t, *found, replaced, "upload 3 ")
		untilNextDay()
		var matches int64
		for _, key := range keys {
			b.wantLayout(key, true)
			matches += b.day(key).Metadata.Matches
		}
		if want := int64(1 + 2 + 3 + 4 + 5 + 6); matches != want || len(reported) != 2 || reported[0].Matches+reported[1].Matches != want {
			t.Errorf("%d matches, reported %+v", matches, reported)
		}
		calls := b.calls()
		b.reopen()
		time.Sleep(time.Hour)
		if len(calls) != 1 || calls["stat"] != 1 { // the look at the new day
			t.Errorf("both are closed, and the store was asked: %v", calls)
		}
	})
}

// rename turns a pending batch into one of another compression.
func rename(t *testing.T, disk *crashfs.FS, name string, from, to rotatelog.Compression) {
	t.Helper()
	base := strings.TrimSuffix(name, ".json")
	if suffix := suffixes[from]; suffix != "" {
		base = strings.TrimSuffix(base, "-"+suffix[1:])
	}
	if suffix := suffixes[to]; suffix != "" {
		base += "-" + suffix[1:]
	}
	if err := disk.Rename(pendingDir+name, pendingDir+base+".json"); err != nil {
		t.Fatal(err)
	}
}

// inPacked runs a test for each compression.
func inPacked(t *testing.T, test func(t *testing.T, b *bench, key string)) {
	t.Helper()
	for _, c := range []rotatelog.Compression{rotatelog.Zstd, rotatelog.Gzip} {
		t.Run(c.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.cfg.Compression = c
				test(t, b, dayA+suffixes[c])
			})
		})
	}
}

// TestPackedDayIsReadOnce: the metadata has all that an append needs; if it is
// lost, the object is read.
func TestPackedDayIsReadOnce(t *testing.T) {
	inPacked(t, func(t *testing.T, b *bench, key string) {
		b.large()
		b.open()
		b.append(ten...)
		b.flush()
		calls := b.calls()
		for range 20 {
			b.reopen()
			b.append(ten...)
			b.flush()
		}
		if calls["read"] != 0 || calls["write"] != 20 || calls["stat"] != 40 {
			t.Errorf("%v", calls)
		}
		b.mem.Put(key, b.mem.Bytes(key), nil)
		b.append(1)
		b.flush()
		if m := b.day(key).Metadata; calls["read"] != 1 || m.Uploads != 22 || m.Matches != 21*55+1 {
			t.Errorf("%v, %+v", calls, m)
		}
		untilNextDay()
		b.wantLayout(key, true)
	})
}

// TestPackedKeyOfAnother: an object that no Writer made is not touched, and the
// batches wait.
func TestPackedKeyOfAnother(t *testing.T) {
	inPacked(t, func(t *testing.T, b *bench, key string) {
		const strange = `{"uploads":[]}`
		b.mem.Put(key, []byte(strange), nil)
		b.open()
		b.append(ten...)
		err := b.Flush(t.Context())
		if !errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), "move the object away, or set another Prefix") {
			t.Errorf("error %v", err)
		}
		if got := string(b.mem.Bytes(key)); got != strange || len(b.pending()) != 1 {
			t.Errorf("%q, %q", got, b.pending())
		}
	})
}

// TestPackedDayIsCopiedByTheServer: the server copies what is there, whatever it is compressed to.
func TestPackedDayIsCopiedByTheServer(t *testing.T) {
	for c, suffix := range suffixes {
		t.Run(c.String(), func(t *testing.T) {
			inPartsBubble(t, fakes3.Linode(), func(t *testing.T, b *bench, srv *fakes3.Server) {
				b.cfg.Compression = c
				b.open()
				for range 5 {
					b.append(ten...)
					b.flush()
				}
				content, _, _ := srv.Object(s3test.Bucket, dayA+suffix)
				if m := parseDay(t, dayA+suffix, content).Metadata; m.Fetches != 50 {
					t.Errorf("%+v", m)
				}
				st := srv.Stats() // two GETs for each upload ask for the version
				if st.Requests["GetObject"] > 10 || st.Requests["UploadPartCopy"] == 0 {
					t.Errorf("%v", st.Requests)
				}
			})
		})
	}
}

func TestCompressionText(t *testing.T) {
	for _, c := range []rotatelog.Compression{rotatelog.Uncompressed, rotatelog.Zstd, rotatelog.Gzip} {
		b, err := json.Marshal(c)
		var got rotatelog.Compression
		if err != nil || json.Unmarshal(b, &got) != nil || got != c {
			t.Errorf("%v is %s, %v, and then %v", c, b, err, got)
		}
	}
	var c rotatelog.Compression
	if err := c.UnmarshalText([]byte("zst")); err == nil {
		t.Errorf("taken for %v", c)
	}
	_, err := rotatelog.Open(t.Context(), rotatelog.Config{Dir: t.TempDir(), Store: storetest.NewMem(), Compression: 3})
	if err == nil || err.Error() != "rotatelog: Compression 3 is neither Uncompressed, Zstd nor Gzip" {
		t.Error(err)
	}
}
