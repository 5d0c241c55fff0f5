package rotatelog_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/zstd"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/football"
	"example.com/rotatelog/storetest"
)

// BenchmarkReadDay measures the reading of all fetches of a day, and what others need for
// the same bytes: jsontext for its values, and zstd for its lines.
func BenchmarkReadDay(b *testing.B) {
	for _, pack := range []rotatelog.Compression{rotatelog.Uncompressed, rotatelog.Zstd} {
		mem, key, text := footballDay(b, pack)
		run := func(way string, read func() error) {
			b.Run(fmt.Sprintf("compression=%v/way=%s", pack, way), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					if err := read(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		run("rotatelog", func() error {
			d, err := rotatelog.OpenDay(b.Context(), mem, key, rotatelog.ReadOptions{})
			if err != nil {
				return err
			}
			for u, err := range d.Uploads(b.Context()) {
				if err != nil {
					return err
				}
				for _, err := range u.Fetches() {
					if err != nil {
						return err
					}
				}
			}
			return nil
		})
		if pack == rotatelog.Uncompressed {
			run("jsontext", func() error { return readValues(text) })
		} else if _, err := exec.LookPath("zstd"); err == nil {
			file := filepath.Join(b.TempDir(), "day.json.zst")
			if err := os.WriteFile(file, mem.Bytes(key), 0o600); err != nil {
				b.Fatal(err)
			}
			run("zstd-wc", func() error { return exec.Command("sh", "-c", `zstd -dc "$1" | wc -l`, "sh", file).Run() })
		}
	}
}

// readValues reads each fetch of a day as a value.
func readValues(text []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true))
	for {
		if d.StackDepth() == 4 && d.PeekKind() == '{' { // uploads, an upload, fetch_data
			if _, err := d.ReadValue(); err != nil {
				return err
			}
			continue
		}
		if _, err := d.ReadToken(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// footballDay returns a store with a day of about 100 MB, its key, and its text.
func footballDay(b *testing.B, pack rotatelog.Compression) (mem *storetest.Mem, key string, text []byte) {
	b.Helper()
	mem = storetest.NewMem()
	w, err := rotatelog.Open(b.Context(), rotatelog.Config{
		Dir: b.TempDir(), Store: mem, Compression: pack, Logger: slog.New(slog.DiscardHandler), Verbatim: true,
		TimeOf: func([]byte) (time.Time, error) { return football.Start(), nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	feed := football.New(1, 1_800_000)
	for range 60 {
		if _, err := w.Append(b.Context(), feed.Next()); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Drain(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	key = mem.Keys()[0]
	text = mem.Bytes(key)
	if pack == rotatelog.Zstd {
		r, err := zstd.NewReader(bytes.NewReader(text))
		if err != nil {
			b.Fatal(err)
		}
		defer r.Close()
		if text, err = io.ReadAll(r); err != nil {
			b.Fatal(err)
		}
	}
	return mem, key, text
}
