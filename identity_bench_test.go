package rotatelog

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"example.com/rotatelog/internal/football"
)

// identityWays are the Config.Identity that are compared.
func identityWays() []identityWay {
	return []identityWay{
		{metric: "none-ns"},
		{metric: "header-ns", identity: HeaderIdentity},
		{metric: "content-ns", identity: ContentIdentity},
	}
}

type identityWay struct {
	metric   string
	identity func([]byte) (string, error)
	writer   *Writer
	took     []time.Duration
}

// BenchmarkIdentity measures, in turns, Appends with and without a Config.Identity. A disk
// that is slow for a while is then slow for all of them.
func BenchmarkIdentity(b *testing.B) {
	for label, text := range map[string][]byte{"2kB": football.New(1, 2_000).Next(), "1.8MB": indentedText(b, 1_800_000)} {
		for _, policy := range []SyncPolicy{SyncAppend, SyncSeal} {
			b.Run(fmt.Sprintf("size=%s/sync=%v", label, map[SyncPolicy]string{SyncAppend: "append", SyncSeal: "seal"}[policy]), func(b *testing.B) {
				ways := identityWays()
				for i := range ways {
					cfg := Config{Dir: b.TempDir(), Identity: ways[i].identity, Sync: policy, AppendOnly: true, Logger: slog.New(slog.DiscardHandler)}
					w, err := Open(b.Context(), cfg)
					if err != nil {
						b.Fatal(err)
					}
					defer w.Close()
					ways[i].writer = w
				}
				inTurns(b, ways, text, func(w *Writer, fetch []byte) error {
					_, err := w.Append(b.Context(), fetch)
					return err
				})
			})
		}
	}
}

// BenchmarkIdentityOneProcess measures, in turns, opening a Writer, appending and closing,
// beside so many batches that are kept.
func BenchmarkIdentityOneProcess(b *testing.B) {
	for _, batches := range []int{10, 288} {
		b.Run(fmt.Sprintf("batches=%d", batches), func(b *testing.B) {
			text := football.New(1, 2_000).Next()
			ways := identityWays()
			dirs := map[*Writer]Config{}
			for i := range ways {
				cfg := Config{Dir: b.TempDir(), Identity: ways[i].identity, AppendOnly: true, Logger: slog.New(slog.DiscardHandler)}
				ways[i].writer = new(Writer)
				dirs[ways[i].writer] = cfg
				cfg.Sync = SyncSeal
				w, err := Open(b.Context(), cfg)
				if err != nil {
					b.Fatal(err)
				}
				for n := range 10 * batches {
					if _, err := w.Append(b.Context(), numberedText(text, -1-n)); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
			}
			inTurns(b, ways, text, func(which *Writer, fetch []byte) error {
				w, err := Open(b.Context(), dirs[which])
				if err != nil {
					return err
				}
				defer w.Close()
				_, err = w.Append(b.Context(), fetch)
				return err
			})
		})
	}
}

// inTurns does the same with the Writer of each way, and reports how long each took: the
// median, since on a machine that does something else as well few take very long.
func inTurns(b *testing.B, ways []identityWay, text []byte, do func(w *Writer, fetch []byte) error) {
	for n := 0; b.Loop(); n++ {
		fetch := numberedText(text, n)
		for i := range ways {
			way := &ways[(i+n)%len(ways)]
			begun := time.Now()
			if err := do(way.writer, fetch); err != nil {
				b.Fatal(err)
			}
			way.took = append(way.took, time.Since(begun))
		}
	}
	for _, way := range ways {
		slices.Sort(way.took)
		b.ReportMetric(float64(way.took[len(way.took)/2]), way.metric)
	}
}

// numberedText returns a fetch like text with another id.
func numberedText(text []byte, n int) []byte {
	const member = `"random_fetch_id"`
	i := bytes.Index(text, []byte(member)) + len(member)
	i += bytes.IndexByte(text[i:], '"') + 1
	end := i + bytes.IndexByte(text[i:], '"')
	return fmt.Appendf(nil, "%s%012d%s", text[:i], n, text[end:])
}
