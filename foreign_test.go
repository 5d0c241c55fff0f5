package rotatelog_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
	"example.com/rotatelog/storetest"
	"github.com/cespare/xxhash/v2"
)

// changes records the calls of Hooks.Changed, from the next Open on.
func (b *bench) changes() *[]rotatelog.Changed {
	var found []rotatelog.Changed
	b.cfg.Hooks.Changed = func(c rotatelog.Changed) { found = append(found, c) }
	return &found
}

// changeWorld is a layout of a day's object in a bucket, in which somebody changes
// something.
type changeWorld struct {
	name string
	pack rotatelog.Compression
	over bool // the day has ended, and is closed
	open func(b *bench) *fakes3.Server
}

func smallInS3(b *bench) *fakes3.Server {
	srv, client := s3test.NewFake(fakes3.Options{Profile: fakes3.Linode()})
	b.cfg.Store = s3test.NewStore(client, s3store.Options{})
	return srv
}

func largeInS3(b *bench) *fakes3.Server {
	store, srv := s3test.NewSmallParts(fakes3.Linode(), s3store.Options{})
	b.cfg.Store = store
	b.large()
	return srv
}

func changeWorlds() []changeWorld {
	return []changeWorld{
		{"small", rotatelog.Uncompressed, false, smallInS3},
		{"large", rotatelog.Uncompressed, false, largeInS3},
		{"closed", rotatelog.Uncompressed, true, largeInS3},
		{"small, zstd", rotatelog.Zstd, false, smallInS3},
		{"large, zstd", rotatelog.Zstd, false, largeInS3},
		{"closed, zstd", rotatelog.Zstd, true, largeInS3},
		{"small, gzip", rotatelog.Gzip, false, smallInS3},
		{"closed, gzip", rotatelog.Gzip, true, largeInS3},
	}
}

// TestFlippedDigitIsReported flips a digit of matches_in_upload. That is reported once,
// whatever the layout, whether or not the tool that did it has kept the metadata, and
// after a restart.
func TestFlippedDigitIsReported(t *testing.T) {
	depth.SkipInShort(t)
	t.Parallel()
	for _, w := range changeWorlds() {
		for _, keeps := range []bool{true, false} {
			for _, restart := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/metadata kept=%v/restart=%v", w.name, keeps, restart), func(t *testing.T) {
					inBubble(t, func(t *testing.T, b *bench) { w.flipDigit(t, b, keeps, restart) })
				})
			}
		}
	}
}

func (w changeWorld) flipDigit(t *testing.T, b *bench, keeps, restart bool) {
	srv := w.open(b)
	b.cfg.MaxFetches, b.cfg.Compression = 1, w.pack
	found := b.changes()
	b.open()
	for n := range 7 {
		b.append(451 + n)
		b.flush()
	}
	key := srv.Keys(s3test.Bucket)[0]
	if w.over {
		time.Sleep(30 * time.Hour)
	}
	data, meta, _ := srv.Object(s3test.Bucket, key)
	if !keeps {
		meta = nil
	}
	srv.PutObject(s3test.Bucket, key, changeText(t, key, data, `"matches_in_upload":453`, `"matches_in_upload":953`), meta)
	if w.over { // batches of it come late
		b.nextDay(today)
	}
	if restart || w.over {
		b.reopen()
	}
	for range 2 {
		b.append(1)
		b.flush()
	}
	if len(*found) != 1 || (*found)[0].Key != key || !slices.Contains((*found)[0].Differences, "upload 3: matches_in_upload is 953, its fetches count 453") {
		t.Fatalf("reported %+v\n%s", *found, b.log)
	}
	if n := strings.Count(b.log.String(), "matches_in_upload is 953"); n != 1 {
		t.Errorf("%d lines of the log say so:\n%s", n, b.log)
	}
	content, _, _ := srv.Object(s3test.Bucket, key)
	d := parseDayLoosely(t, dayText(t, key, content)) // its upload 3 no longer fits its checksum
	if m := d.Metadata; m.Uploads != 9 || m.Matches != 7*451+21+500+2 {
		t.Errorf("%+v", m)
	}
}

// nextDay makes the fetches from now on belong to another day.
func (b *bench) nextDay(day string) {
	b.cfg.TimeOf = func([]byte) (time.Time, error) {
		return time.ParseInLocation("2006-01-02 15", day+" 23", time.FixedZone("EST", -5*3600))
	}
}

// changeText changes a text in a day's object, as a tool does that knows how it is
// compressed.
func changeText(t *testing.T, key string, data []byte, old, new string) []byte {
	t.Helper()
	if n := bytes.Count(data, []byte(old)); n != 1 || len(old) != len(new) {
		t.Fatalf("%s has %d times %q", key, n, old)
	}
	at := bytes.Index(data, []byte(old))
	changed := slices.Concat(data[:at], []byte(new), data[at+len(old):])
	switch {
	case strings.HasSuffix(key, ".zst"):
		frame := bytes.LastIndex(changed[:at], []byte("\x28\xb5\x2f\xfd"))
		n := int(binary.LittleEndian.Uint32(changed[frame+5:]))
		text := changed[frame+12:][:n]
		binary.LittleEndian.PutUint32(changed[frame+12+n:], uint32(xxhash.Sum64(text)))
	case strings.HasSuffix(key, ".gz"):
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		sum := crc32.ChecksumIEEE(bytes.Replace(text, []byte(old), []byte(new), 1))
		binary.LittleEndian.PutUint32(changed[len(changed)-8:], sum)
	}
	return changed
}

// TestOwnVersionsAreNotRead: this Writer recognizes its own version of an object,
// also after a restart, when the day is closed, and where the key is shared. Nothing
// is read, and nothing reported.
func TestOwnVersionsAreNotRead(t *testing.T) {
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprintf("shared=%v", shared), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				reads := 0
				b.onStore(func(op storetest.Op) storetest.Fault {
					if op.Name == "read" {
						reads++
					}
					return storetest.Fault{}
				})
				if !shared {
					b.cfg.Store = owned{b.cfg.Store}
				}
				b.cfg.MaxFetches, b.cfg.KeepUploaded, b.cfg.KeepFor = 1, 2, -1
				b.large()
				changed, lost := b.changes(), b.losses()
				b.open()
				b.uploadEach(1, 3)
				if shared {
					other := b.second()
					other.uploadEach(4, 13)
					other.Close()
				}
				b.uploadEach(4, 5)
				b.reopen()
				b.uploadEach(6, 7)
				b.die()
				b.open()
				b.uploadEach(8, 9)
				time.Sleep(30 * time.Hour)
				b.wantLayout(dayA, true)
				if reads > 0 || len(*changed) > 0 || len(*lost) > 0 {
					t.Errorf("%d reads, %d changes, losses %v\n%s", reads, len(*changed), *lost, b.log)
				}
			})
		})
	}
}

// TestUnknownWriteIsNotAChange: a write is this Writer's even if the process was
// killed before it saw the reply or the effect.
func TestUnknownWriteIsNotAChange(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Store, b.cfg.MaxFetches = owned{b.cfg.Store}, 1
		changed := b.changes()
		b.open()
		b.uploadEach(1, 3)
		written, reads := false, 0
		b.onStore(func(op storetest.Op) storetest.Fault {
			if op.Name == "write" {
				written = true
			}
			if written {
				return storetest.Fault{Err: errors.New("away"), Skip: op.Name != "write"}
			}
			return storetest.Fault{}
		})
		b.append(4)
		synctest.Wait()
		b.die()
		b.onStore(func(op storetest.Op) storetest.Fault {
			if op.Name == "read" {
				reads++
			}
			return storetest.Fault{}
		})
		b.open()
		b.uploadEach(5, 5)
		if m := b.day(dayA).Metadata; m.Uploads != 5 || !written || reads > 0 || len(*changed) > 0 {
			t.Errorf("%+v, %d reads, changes %v", m, reads, *changed)
		}
	})
}

// TestAbsenceThatIsALie: if the store falsely says that there is no object, nothing
// is reported or put back.
func TestAbsenceThatIsALie(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches = 1
		lost := b.losses()
		b.open()
		b.uploadEach(1, 3)
		stats := 0
		b.onStore(func(op storetest.Op) storetest.Fault {
			if op.Name == "stat" {
				if stats++; stats <= 4 {
					return storetest.Fault{Err: fs.ErrNotExist, Skip: true}
				}
			}
			return storetest.Fault{}
		})
		b.append(4)
		time.Sleep(time.Hour)
		if m := b.day(dayA).Metadata; m.Uploads != 4 || len(*lost) > 0 {
			t.Errorf("%+v, losses %v\n%s", m, *lost, b.log)
		}
	})
}

// TestEditedFileOfADirectoryStoreIsReported: the metadata is of the version before.
func TestEditedFileOfADirectoryStoreIsReported(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		dir := t.TempDir()
		store, err := dirstore.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		b.cfg.Store, b.cfg.MaxFetches = store, 1
		changed := b.changes()
		b.open()
		b.uploadEach(451, 454)
		file := filepath.Join(dir, filepath.FromSlash(dayA))
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		content = changeText(t, dayA, content, `"matches_in_upload":452`, `"matches_in_upload":952`)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		b.uploadEach(455, 456)
		if len(*changed) != 1 || !slices.Equal((*changed)[0].Differences, []string{"upload 2: matches_in_upload is 952, its fetches count 452"}) {
			t.Errorf("reported %+v", *changed)
		}
	})
}
