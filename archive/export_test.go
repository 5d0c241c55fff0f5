package archive_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
)

// store has a Writer append these fetches, a minute apart, and upload them.
func (w *world) store(fetches ...string) {
	w.t.Helper()
	wr := w.open()
	defer wr.Close()
	for _, fetch := range fetches {
		if _, err := wr.Append(w.t.Context(), []byte(fetch)); err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(time.Minute)
	}
	if err := wr.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// export returns what an export of the day writes.
func (w *world) export(opts archive.ExportOptions) (string, archive.ExportedDay) {
	w.t.Helper()
	var b bytes.Buffer
	r, err := archive.Export(w.t.Context(), w.archive(), day, &b, opts)
	if err != nil {
		w.t.Fatalf("export: %v", err)
	}
	return b.String(), r
}

// exportError returns the error of an export of the day.
func (w *world) exportError(opts archive.ExportOptions) error {
	w.t.Helper()
	_, err := archive.Export(w.t.Context(), w.archive(), day, io.Discard, opts)
	if err == nil {
		w.t.Errorf("an export with %+v succeeds", opts)
	}
	return err
}

// fetchesOf returns the fetches of the day as a reader has them.
func (w *world) fetchesOf() (all []string) {
	w.t.Helper()
	d, err := w.archive().Open(w.t.Context(), day)
	if err != nil {
		w.t.Fatal(err)
	}
	for u, err := range d.Uploads(w.t.Context()) {
		if err != nil {
			w.t.Fatal(err)
		}
		for fetch, err := range u.Fetches() {
			if err != nil {
				w.t.Fatal(err)
			}
			all = append(all, string(fetch))
		}
	}
	return all
}

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

func TestExportIsWhatIsStored(t *testing.T) {
	for _, pack := range []rotatelog.Compression{rotatelog.Uncompressed, rotatelog.Zstd, rotatelog.Gzip} {
		inWorld(t, func(t *testing.T, w *world) {
			w.cfg.Compression = pack
			w.write(7)
			got, r := w.export(archive.ExportOptions{})
			if want := w.fetchesOf(); !slices.Equal(lines(got), want) || len(want) != 7 {
				t.Errorf("%v: it exports\n%s\nwant\n%s", pack, got, strings.Join(want, "\n"))
			}
			if r.Day != day || r.Key != w.key() || r.Fetches != 7 || r.Rows != 7 || r.Bytes != int64(len(got)) || r.Without != 0 {
				t.Errorf("%v: %+v", pack, r)
			}
		})
	}
}

// Each element becomes a row that says of which fetch it is.
func TestExportOfEachElement(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.store(
			`{"FETCH_HEADER":{"fetch_number":41,"nyc_timestamp":"07/10/2025 03:45:22 PM EDT"},"data":{"list":[{"id":"a","odds":1.10},{}, 7,null,"s",[1, {"_day":0}]]}}`,
			`{"data":{"list":[]}}`,
			`{"data":null}`,
			`{"data":{"list":{"id":"no array"}}}`,
			`{"data":{"list":[{"b":2}],"list":[{"b":3}]}}`,
		)
		got, r := w.export(archive.ExportOptions{Each: []string{"data", "list"}})
		const first = `{"_day":"2025-07-10","_time":"2025-07-10T15:45:22-04:00","_fetch":41,"_upload":1`
		want := []string{
			first + `,"id":"a","odds":1.10}`, first + `}`, first + `,"value":7}`, first + `,"value":null}`, first + `,"value":"s"}`, first + `,"value":[1,{"_day":0}]}`,
			`{"_day":"2025-07-10","_time":"2025-07-10T12:05:00-04:00","_fetch":5,"_upload":3,"b":3}`,
		}
		if !slices.Equal(lines(got), want) {
			t.Errorf("it exports\n%s\nwant\n%s", got, strings.Join(want, "\n"))
		}
		if r.Fetches != 5 || r.Rows != 7 || r.Without != 2 {
			t.Errorf("%+v", r)
		}
		for _, line := range lines(got) {
			if !json.Valid([]byte(line)) {
				t.Errorf("%s is not JSON", line)
			}
		}
		if err := w.exportError(archive.ExportOptions{Each: []string{"data", "lost"}}); !errors.Is(err, archive.ErrUnfit) || !strings.Contains(err.Error(), "no fetch has an array at data.lost") {
			t.Error(err)
		}
	})
}

// Fetches that are worth a goroutine for their checksum are exported like small ones.
func TestExportOfLargeFetches(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		element := `{"text":"` + strings.Repeat("x\\u00e9", 1000) + `","l":[1]}`
		fetch := `{"list":[` + strings.Repeat(element+",", 29) + element + `]}`
		w.store(fetch, fetch, fetch)
		got, r := w.export(archive.ExportOptions{Each: []string{"list"}})
		if all := lines(got); r.Rows != 90 || len(all) != 90 || !strings.HasSuffix(all[89], `,"_fetch":3,"_upload":2,`+element[1:]) {
			t.Errorf("%d rows, the last is %.200s", r.Rows, all[len(all)-1])
		}
		if got, r := w.export(archive.ExportOptions{Each: []string{"list"}, Columns: [][]string{{"text"}}}); r.Rows != 90 || !strings.HasSuffix(got, "xé\n") {
			t.Errorf("%d rows of CSV", r.Rows)
		}
		w.edit(w.key(), func(s string) string { return strings.Replace(s, `"l":[1]`, `"l":[2]`, 1) })
		for _, opts := range []archive.ExportOptions{{}, {Each: []string{"list"}}} {
			if err := w.exportError(opts); !errors.Is(err, rotatelog.ErrDamaged) {
				t.Error(err)
			}
		}
	})
}

// An element that has a member with a name of ours is refused, however the name is
// written, unless the name does not matter.
func TestExportRefusesNamesThatClash(t *testing.T) {
	for _, name := range []string{`_day`, `_time`, `_fetch`, `_upload`, `\u005fday`, `\u005Fday`, `_\u0064ay`} {
		inWorld(t, func(t *testing.T, w *world) {
			w.store(`{"list":[{"x":1}]}`, `{"list":[{"x":{"`+name+`":1}},{"x":2,"`+name+`":1}]}`)
			err := w.exportError(archive.ExportOptions{Each: []string{"list"}})
			if !errors.Is(err, archive.ErrUnfit) || !strings.Contains(err.Error(), "already, in fetch 2; export CSV") {
				t.Errorf("%s: %v", name, err)
			}
			columns := [][]string{{"x"}}
			if got, _ := w.export(archive.ExportOptions{Each: []string{"list"}, Columns: columns}); !strings.HasPrefix(got, "x\n1\n") {
				t.Errorf("%s: %s", name, got)
			}
			columns = append(columns, []string{"_day"}, []string{"_time"}, []string{"_fetch"}, []string{"_upload"})
			if err := w.exportError(archive.ExportOptions{Each: []string{"list"}, Columns: columns}); !errors.Is(err, archive.ErrUnfit) {
				t.Errorf("%s as a column: %v", name, err)
			}
			if got, _ := w.export(archive.ExportOptions{}); strings.Count(got, "\n") != 2 {
				t.Errorf("%s: by fetches it exports %s", name, got)
			}
		})
	}
}

func TestExportOfColumns(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.store(`{"list":[{"a":"x, \"y\"\nz","b":{"c":[1, 2]},"d":null},{"b":{"c":true}},{"a":1.10},"text",null]}`)
		opts := archive.ExportOptions{Each: []string{"list"}, Columns: [][]string{{"_fetch"}, {"a"}, {"b", "c"}, {"d"}, {"value"}, {"_day"}}}
		got, r := w.export(opts)
		want := "_fetch,a,b.c,d,value,_day\n" + "1,\"x, \"\"y\"\"\nz\",\"[1,2]\",,,2025-07-10\n" + "1,,true,,,2025-07-10\n" + "1,1.10,,,,2025-07-10\n" +
			"1,,,,text,2025-07-10\n" + "1,,,,,2025-07-10\n"
		if got != want || r.Rows != 5 || r.Bytes != int64(len(got)-len("_fetch,a,b.c,d,value,_day\n")) {
			t.Errorf("it exports\n%s\nwant\n%s, %+v", got, want, r)
		}
		opts.Columns = [][]string{{"d"}} // of empty cells only
		got, _ = w.export(opts)
		records, err := csv.NewReader(strings.NewReader(got)).ReadAll()
		if err != nil || len(records) != 6 {
			t.Errorf("%q has %d records, %v", got, len(records), err)
		}
		opts = archive.ExportOptions{Columns: [][]string{{"_upload"}, {"list"}}}
		if got, _ := w.export(opts); !strings.HasPrefix(got, "_upload,list\n1,\"[{\"\"a\"\":") {
			t.Errorf("by fetches it exports %s", got)
		}
	})
}

func TestConditions(t *testing.T) {
	const row = `{"n":5,"f":5.0,"e":50e-1,"s":"5","t":true,"z":null,"o":{"p":1},"l":[1, 2],"name":"Müller","esc":"a\u0062","big":9007199254740993,"minus":-0.0,"none":"null"}`
	inWorld(t, func(t *testing.T, w *world) {
		w.store(row, row)
		for condition, want := range map[string]bool{
			"n=5": true, "n=5.0": true, "n=0.5e1": true, "n=50e-1": true, "n=05": false, "n=5x": false, "n=": false, "n=+5": false, "n=-5": false, "n=6": false,
			"f=5": true, "e=5": true, "s=5": true, "s=5.0": false, "t=true": true, "t=True": false, "t=1": false, "z=null": true, "z=": false, "missing=null": true, "missing=": false,
			"o.p=1": true, "o.p.q=null": true, `o={"p":1}`: true, "l=[1,2]": true, "l=[1]": false, "name=Müller": true, "esc=ab": true,
			"big=9007199254740993": true, "big=9007199254740992": false, "minus=0": true, "minus=-0e7": true, "none=null": true, "n=5=5": false,
			"n=5e99999999999": false, "_day=2025-07-10": true, "_day=2025-07-11": false, "_fetch=1": true, "_upload=2": false, "_time=2025-07-10T12:00:00-04:00": false,
		} {
			c, err := archive.ParseCondition(condition)
			if err != nil {
				t.Fatal(err)
			}
			got, r := w.export(archive.ExportOptions{Where: []archive.Condition{c}})
			if condition == "_fetch=1" {
				if r.Rows != 1 {
					t.Errorf("%s holds for %d rows", condition, r.Rows)
				}
			} else if (r.Rows == 2) != want || (r.Rows == 0) == want || strings.Count(got, "\n") != int(r.Rows) {
				t.Errorf("%s holds for %d rows, want that it holds: %v", condition, r.Rows, want)
			}
		}
	})
	for _, bad := range []string{"", "=5", "n", "a..b=1", ".=1"} {
		if c, err := archive.ParseCondition(bad); err == nil {
			t.Errorf("%q is taken for %+v", bad, c)
		}
	}
}

// All conditions have to hold, also those of the fetch.
func TestConditionsOfElements(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.store(`{"l":[{"a":1,"b":1},{"a":1,"b":2},7]}`, `{"l":[{"a":1,"b":2}]}`)
		where := func(all ...string) (c []archive.Condition) {
			for _, text := range all {
				one, err := archive.ParseCondition(text)
				if err != nil {
					t.Fatal(err)
				}
				c = append(c, one)
			}
			return c
		}
		for _, test := range []struct {
			want  int64
			where []archive.Condition
		}{
			{3, where("a=1")}, {2, where("a=1", "b=2")}, {1, where("a=1", "b=2", "_fetch=2")}, {1, where("value=7")}, {0, where("a=2")}, {1, where("a=null", "_upload=1")},
		} {
			if _, r := w.export(archive.ExportOptions{Each: []string{"l"}, Where: test.where}); r.Rows != test.want {
				t.Errorf("%v holds for %d rows, want %d", test.where, r.Rows, test.want)
			}
		}
	})
}

// A part of a day goes by the clock on the wall, in nights of 25 hours too.
func TestExportOfAPartOfADay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := func(text string) string { return `{"FETCH_HEADER":{"nyc_timestamp":"` + text + `"}}` }
		w.store(at("07/10/2025 02:59:59 PM EDT"), at("07/10/2025 03:00:00 PM EDT"), at("07/10/2025 04:29:59 PM EDT"), at("07/10/2025 04:30:00 PM EDT"),
			`{"untimed":"12:04"}`, at("11/02/2025 01:30:00 AM EDT"), at("11/02/2025 01:30:00 AM EST"))
		for _, test := range []struct {
			from, to time.Duration
			want     int64
		}{
			{0, 0, 7}, {15 * time.Hour, 0, 3}, {15 * time.Hour, 16*time.Hour + 30*time.Minute, 2}, {0, 15 * time.Hour, 4},
			{12 * time.Hour, 13 * time.Hour, 1}, {time.Hour, 2 * time.Hour, 2}, {23 * time.Hour, 24 * time.Hour, 0},
		} {
			if _, r := w.export(archive.ExportOptions{From: test.from, To: test.to}); r.Rows != test.want || r.Fetches != 7 {
				t.Errorf("from %v to %v there are %d rows of %d fetches, want %d", test.from, test.to, r.Rows, r.Fetches, test.want)
			}
		}
		got, _ := w.export(archive.ExportOptions{Columns: [][]string{{"_time"}}})
		if want := []string{"2025-11-02T01:30:00-04:00", "2025-11-02T01:30:00-05:00"}; !slices.Equal(lines(got)[6:], want) {
			t.Errorf("the times are\n%s", got)
		}
	})
}

// Where neither fetch nor upload says when it was, the time is null.
func TestExportWithoutATime(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.mem.Put("all_api_rotating_logs/all_api_json_log_2025-07-10.json",
			[]byte(`{"daily_metadata": {}, "uploads": [ {"fetch_data": [ { "l" : [ { } ] } ] } ] }`), nil)
		if got, _ := w.export(archive.ExportOptions{Each: []string{"l"}}); got != `{"_day":"2025-07-10","_time":null,"_fetch":1,"_upload":1}`+"\n" {
			t.Error(got)
		}
		if _, r := w.export(archive.ExportOptions{From: time.Hour}); r.Rows != 0 {
			t.Errorf("%d rows", r.Rows)
		}
		if got, _ := w.export(archive.ExportOptions{}); got != `{"l":[{}]}`+"\n" {
			t.Errorf("the old script's day is exported as %s", got)
		}
	})
}

func TestExportOfTheObject(t *testing.T) {
	for _, pack := range []rotatelog.Compression{rotatelog.Uncompressed, rotatelog.Zstd, rotatelog.Gzip} {
		inWorld(t, func(t *testing.T, w *world) {
			w.cfg.Compression = pack
			w.write(5)
			if got, r := w.export(archive.ExportOptions{Raw: true}); got != string(w.mem.Bytes(w.key())) || r.Bytes != int64(len(got)) {
				t.Errorf("%v: it exports %d bytes", pack, len(got))
			}
		})
	}
}

func TestExportIsCompressed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(50)
		plain, _ := w.export(archive.ExportOptions{})
		packed, r := w.export(archive.ExportOptions{Zstd: true})
		d, err := zstd.NewReader(strings.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		text, err := io.ReadAll(d)
		if err != nil || string(text) != plain || r.Bytes != int64(len(plain)) || len(packed) >= len(plain)/2 {
			t.Errorf("%d bytes became %d, and then %d, %v; %+v", len(plain), len(packed), len(text), err, r)
		}
	})
}

// One changed byte of a fetch is not exported.
func TestExportRefusesADamagedDay(t *testing.T) {
	for name, edit := range map[string]func(string) string{
		"a digit":        func(s string) string { return strings.Replace(s, `"n":3`, `"n":8`, 1) },
		"a quote":        func(s string) string { return strings.Replace(s, `"n":3`, `"n:3`, 1) },
		"html":           func(string) string { return "<html>503</html>" },
		"nothing":        func(string) string { return "" },
		"cut off":        func(s string) string { return s[:len(s)*2/3] },
		"without sums":   func(s string) string { return withoutSums(strings.Replace(s, `"n":3`, `"n:3`, 1)) },
		"a broken utf-8": func(s string) string { return withoutSums(strings.Replace(s, `é`, "\xe9 ", 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.write(5)
				w.mem.Put(w.key(), []byte(edit(string(w.mem.Bytes(w.key())))), nil)
				for _, opts := range []archive.ExportOptions{{}, {Each: []string{"RAW_API_DATA", "odds"}}, {Columns: [][]string{{"FETCH_HEADER"}}}} {
					if err := w.exportError(opts); !errors.Is(err, rotatelog.ErrDamaged) {
						t.Errorf("with %+v: %v", opts, err)
					}
				}
			})
		})
	}
	inWorld(t, func(t *testing.T, w *world) {
		w.write(5)
		w.mem.Put(w.key(), []byte(withoutSums(string(w.mem.Bytes(w.key())))), nil)
		if got, r := w.export(archive.ExportOptions{}); r.Rows != 5 {
			t.Errorf("a day from before there were checksums is exported as %s", got)
		}
	})
}

// withoutSums returns a day as it was before there were checksums.
func withoutSums(day string) string {
	var b strings.Builder
	for line := range strings.Lines(day) {
		if before, after, ok := strings.Cut(line, `,"upload_sha256":"`); ok {
			_, after, _ = strings.Cut(after, `"`)
			line = before + after
		}
		b.WriteString(line)
	}
	return b.String()
}

func TestExportOfNoDay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, raw := range []bool{false, true} {
			if err := w.exportError(archive.ExportOptions{Raw: raw}); !errors.Is(err, fs.ErrNotExist) {
				t.Error(err)
			}
		}
	})
}

func TestExportOptionsAreChecked(t *testing.T) {
	for _, opts := range []archive.ExportOptions{
		{Raw: true, Zstd: true}, {Raw: true, Each: []string{"a"}}, {Raw: true, From: time.Hour}, {From: time.Hour, To: time.Hour}, {From: -1}, {To: -1},
		{Each: []string{}}, {Each: []string{"a", ""}}, {Columns: [][]string{{}}}, {Columns: [][]string{{"a"}, {"a"}}}, {Where: []archive.Condition{{}}},
	} {
		if err := opts.Check(); err == nil {
			t.Errorf("%+v is taken", opts)
		}
	}
}

// A day that another object replaces while it is exported is refused; one that has grown
// is exported as it was when the export began.
func TestExportOfADayThatIsReplaced(t *testing.T) {
	for _, raw := range []bool{false, true} {
		inWorld(t, func(t *testing.T, w *world) {
			w.write(9)
			a := w.archive()
			replaced := &replacingStore{Store: w.mem, with: func() { w.mem.Put(w.key(), []byte(`{"uploads":[]}`), nil) }}
			a.Store = replaced
			_, err := archive.Export(t.Context(), a, day, io.Discard, archive.ExportOptions{Raw: raw})
			if !errors.Is(err, rotatelog.ErrReplaced) {
				t.Errorf("raw %v: %v", raw, err)
			}
		})
	}
	inWorld(t, func(t *testing.T, w *world) {
		w.write(9)
		a := w.archive()
		a.Store = &replacingStore{Store: w.mem, with: func() { w.write(4) }}
		var b bytes.Buffer
		if _, err := archive.Export(t.Context(), a, day, &b, archive.ExportOptions{}); err != nil || strings.Count(b.String(), "\n") != 9 {
			t.Errorf("%v\n%s", err, b.String())
		}
	})
}

// replacingStore is a Store in which something happens before its first Read.
type replacingStore struct {
	rotatelog.Store
	with func()
}

func (s *replacingStore) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	if with := s.with; with != nil {
		s.with = nil
		with()
	}
	return s.Store.Read(ctx, key, v, off, n)
}

// A connection that breaks is replaced by another.
func TestExportOverABadNetwork(t *testing.T) {
	for _, raw := range []bool{false, true} {
		inWorld(t, func(t *testing.T, w *world) {
			w.write(9)
			want, _ := w.export(archive.ExportOptions{Raw: raw})
			a := w.archive()
			a.Store = &breakingStore{Store: w.mem}
			var b bytes.Buffer
			if _, err := archive.Export(t.Context(), a, day, &b, archive.ExportOptions{Raw: raw}); err != nil || b.String() != want {
				t.Errorf("raw %v: %v, %d bytes", raw, err, b.Len())
			}
			a.Store = &breakingStore{Store: w.mem, dead: true}
			if _, err := archive.Export(t.Context(), a, day, io.Discard, archive.ExportOptions{Raw: raw}); !errors.Is(err, errBroken) {
				t.Errorf("raw %v: %v", raw, err)
			}
		})
	}
}

var errBroken = errors.New("connection reset")

// breakingStore is a Store whose connections break: each after 500 bytes, or at once.
type breakingStore struct {
	rotatelog.Store
	dead bool
}

func (s *breakingStore) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	if s.dead {
		return nil, errBroken
	}
	body, err := s.Store.Read(ctx, key, v, off, n)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, 500))
	if int64(len(text)) < n {
		return io.NopCloser(io.MultiReader(bytes.NewReader(text), failingReader{})), err
	}
	return io.NopCloser(bytes.NewReader(text)), err
}

type failingReader struct{}

// Read implements io.Reader.
func (failingReader) Read([]byte) (int, error) { return 0, errBroken }

func TestExportToAWriterThatFails(t *testing.T) {
	for _, opts := range []archive.ExportOptions{{}, {Zstd: true}, {Raw: true}, {Columns: [][]string{{"_day"}}}} {
		inWorld(t, func(t *testing.T, w *world) {
			w.write(9)
			if _, err := archive.Export(t.Context(), w.archive(), day, failingWriter{}, opts); !errors.Is(err, errBroken) {
				t.Errorf("%+v: %v", opts, err)
			}
		})
	}
}

type failingWriter struct{}

// Write implements io.Writer.
func (failingWriter) Write([]byte) (int, error) { return 0, fmt.Errorf("write: %w", errBroken) }
