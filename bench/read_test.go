package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/dirstore"
	"example.com/rotatelog/internal/daytext"
	"example.com/rotatelog/internal/football"
)

// readDays are the sizes of the days that are read.
var readDays = []Size{300 * MB, 2600 * MB}

// writeDay makes a directory store with a day of about that size, in the form of a Writer:
// uploads of ten fetches of 1.8 MB, which repeat.
func writeDay(dir string, size Size) (rotatelog.Archive, string, error) {
	store, err := dirstore.Open(dir)
	if err != nil {
		return rotatelog.Archive{}, "", err
	}
	a := rotatelog.Archive{Store: store}
	path := filepath.Join(dir, filepath.FromSlash(a.Key(readDay, rotatelog.Uncompressed)))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return a, "", err
	}
	feed := football.New(1, 1_800_000)
	var text []byte
	for n := range 10 {
		if n > 0 {
			text = append(text, daytext.Separator...)
		}
		text = append(text, feed.Next()...)
	}
	f, err := os.Create(path)
	if err != nil {
		return a, "", err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	uploads := max(1, int(int64(size)/int64(len(text))))
	first, last := timestamp(0), timestamp(uploads-1)
	m := daytext.Metadata{Date: readDay.String(), Uploads: uploads, Fetches: 10 * uploads, First: first, Last: last}
	w.Write(append(m.Append([]byte(daytext.FirstFields)), daytext.FirstUploads...))
	for n := range uploads {
		h := daytext.Head{Sequence: int64(n + 1), Timestamp: timestamp(n), Fetches: 10, ID: fmt.Sprintf("UPLOAD%08d", n)}
		sum := sha256.New()
		sum.Write(text)
		h.SHA256 = h.Checksum(sum)
		if n > 0 {
			w.WriteString(",")
		}
		w.Write(h.Append([]byte("\n")))
		w.Write(text)
		w.WriteString(daytext.UploadEnd)
	}
	w.WriteString(daytext.FirstClose)
	return a, path, w.Flush()
}

var readDay = rotatelog.Day{Year: 2025, Month: time.July, Date: 10}

// timestamp returns the upload_timestamp of an upload: one every nine minutes, so that the
// largest day ends before midnight.
func timestamp(n int) string {
	return time.Date(2025, time.July, 10, 0, 9*n, 0, 0, football.Start().Location()).Format(rotatelog.TimeLayout)
}

// BenchmarkVerify verifies a day, and has what others offer read the same bytes: Python's
// json.load with a recount, and jsontext's ReadValue.
func BenchmarkVerify(b *testing.B) {
	for _, size := range readDays {
		b.Run(fmt.Sprintf("day=%v", size), func(b *testing.B) {
			a, path, err := writeDay(b.TempDir(), size)
			if err != nil {
				b.Fatal(err)
			}
			b.Run("way=rotatelog", func(b *testing.B) {
				watch := startHeapWatch()
				for b.Loop() {
					r, err := archive.VerifyDay(b.Context(), a, readDay, archive.VerifyOptions{})
					if err != nil || r.Worst() == archive.Error {
						b.Fatal(err, r.Findings)
					}
				}
				b.ReportMetric(float64(watch.stop())/(1<<20), "heap-MiB")
				setBytes(b, path)
			})
			if size > GB {
				return // the others hold the day in memory
			}
			b.Run("way=readvalue", func(b *testing.B) {
				for b.Loop() {
					if err := readValue(path); err != nil {
						b.Fatal(err)
					}
				}
				setBytes(b, path)
			})
			b.Run("way=python", func(b *testing.B) {
				python, err := exec.LookPath("python3")
				if err != nil {
					b.Skip("there is no Python")
				}
				for b.Loop() {
					cmd := exec.CommandContext(b.Context(), python, "-", path)
					cmd.Stdin = strings.NewReader(pythonRecount)
					if out, err := cmd.CombinedOutput(); err != nil {
						b.Fatalf("%v: %s", err, out)
					}
				}
				setBytes(b, path)
			})
		})
	}
}

const pythonRecount = `
import json, sys
day = json.load(open(sys.argv[1]))
fetches = sum(len(u["fetch_data"]) for u in day["uploads"])
matches = sum(f.get("FETCH_FOOTER", {}).get("total_matches", 0) for u in day["uploads"] for f in u["fetch_data"])
assert fetches == day["daily_metadata"]["total_fetches_today"]
`

func setBytes(b *testing.B, path string) {
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
}

// readValue reads a whole file as one JSON value.
func readValue(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	_, err = jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true)).ReadValue()
	return err
}

// BenchmarkReadFetches reads all fetches of a day.
func BenchmarkReadFetches(b *testing.B) {
	a, path, err := writeDay(b.TempDir(), readDays[0])
	if err != nil {
		b.Fatal(err)
	}
	b.Run("way=rotatelog", func(b *testing.B) {
		for b.Loop() {
			if n, err := countFetches(b.Context(), a); err != nil || n == 0 {
				b.Fatal(n, err)
			}
		}
		setBytes(b, path)
	})
	b.Run("way=readvalue", func(b *testing.B) {
		for b.Loop() {
			if err := readValue(path); err != nil {
				b.Fatal(err)
			}
		}
		setBytes(b, path)
	})
}

func countFetches(ctx context.Context, a rotatelog.Archive) (n int, err error) {
	day, err := a.Open(ctx, readDay)
	if err != nil {
		return 0, err
	}
	for u, err := range day.Uploads(ctx) {
		if err != nil {
			return 0, err
		}
		for _, err := range u.Fetches() {
			if err != nil {
				return 0, err
			}
			n++
		}
	}
	return n, nil
}

// BenchmarkReadOneUpload reads one upload out of a day of 2.6 GB, by its sequence.
func BenchmarkReadOneUpload(b *testing.B) {
	a, _, err := writeDay(b.TempDir(), readDays[1])
	if err != nil {
		b.Fatal(err)
	}
	counting := &countingStore{Store: a.Store}
	a.Store = counting
	sequence, reads := 0, 0
	for b.Loop() {
		sequence = sequence%144 + 1
		day, err := a.Open(b.Context(), readDay)
		if err != nil {
			b.Fatal(err)
		}
		for u, err := range day.UploadsFrom(b.Context(), sequence) {
			if err != nil || u.Sequence != sequence {
				b.Fatal(u, err)
			}
			for _, err := range u.Fetches() {
				if err != nil {
					b.Fatal(err)
				}
			}
			break
		}
		reads++
	}
	b.ReportMetric(float64(counting.requests.Load())/float64(reads), "requests/read")
	b.ReportMetric(float64(counting.bytes.Load())/float64(reads)/18e6, "uploads/read")
}

// countingStore counts requests, and the bytes that are read.
type countingStore struct {
	rotatelog.Store
	requests, bytes atomic.Int64
}

// Stat implements rotatelog.Store.
func (s *countingStore) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	s.requests.Add(1)
	return s.Store.Stat(ctx, key)
}

// Read implements rotatelog.Store.
func (s *countingStore) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	s.requests.Add(1)
	r, err := s.Store.Read(ctx, key, v, off, n)
	if err != nil {
		return nil, err
	}
	return &countingReader{r, &s.bytes}, nil
}

type countingReader struct {
	io.ReadCloser
	n *atomic.Int64
}

// Read implements io.Reader.
func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.n.Add(int64(n))
	return n, err
}

// TestDayToReadIsGood: what the benchmarks read is what a Writer would leave.
func TestDayToReadIsGood(t *testing.T) {
	a, _, err := writeDay(t.TempDir(), 20*MB)
	if err != nil {
		t.Fatal(err)
	}
	r, err := archive.VerifyDay(t.Context(), a, readDay, archive.VerifyOptions{})
	if err != nil || r.Worst() > archive.Note || r.Totals.Fetches != 10 {
		t.Errorf("%+v, %v", r, err)
	}
}
