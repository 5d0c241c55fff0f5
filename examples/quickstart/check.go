package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"example.com/rotatelog"
)

const storeDir = "store"

// kept is what is in the folder afterwards, read as any program can.
type kept struct {
	days       []dayFile
	unfinished []json.RawMessage // all_api.json
}

// dayFile is the object of a day.
type dayFile struct {
	name     string // below the folder
	Metadata struct {
		Date    rotatelog.Day `json:"date"`
		Uploads int           `json:"total_uploads"`
		Matches int64         `json:"total_matches_today"`
		Fetches int           `json:"total_fetches_today"`
	} `json:"daily_metadata"`
	Uploads []struct {
		Fetches []json.RawMessage `json:"fetch_data"`
	} `json:"uploads"`
}

// envelope is a fetch.
type envelope struct {
	Header struct {
		Number int    `json:"fetch_number"`
		ID     string `json:"random_fetch_id"`
	} `json:"FETCH_HEADER"`
	Data   json.RawMessage `json:"RAW_API_DATA"`
	Footer struct {
		Matches int64 `json:"total_matches"`
	} `json:"FETCH_FOOTER"`
}

func readBack(dir string) (*kept, error) {
	names, err := filepath.Glob(filepath.Join(dir, storeDir, "all_api_rotating_logs", "*.json"))
	if err != nil {
		return nil, err
	}
	k := &kept{}
	for _, name := range names { // sorted, and so are the days in them
		var d dayFile
		if err := readJSON(name, &d); err != nil {
			return nil, err
		}
		if d.name, err = filepath.Rel(dir, name); err != nil {
			return nil, err
		}
		k.days = append(k.days, d)
	}
	return k, readJSON(filepath.Join(dir, "all_api.json"), &k.unfinished)
}

func readJSON(name string, v any) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// fetches returns the fetches of a day in order.
func (d *dayFile) fetches() (all []json.RawMessage) {
	for _, u := range d.Uploads {
		all = append(all, u.Fetches...)
	}
	return all
}

// print prints a table of what was found.
func (k *kept) print(out io.Writer) {
	fmt.Fprintf(out, "\n%-10s  %7s  %7s  %7s  %s\n", "day", "uploads", "fetches", "matches", "object")
	for _, d := range k.days {
		m := d.Metadata
		fmt.Fprintf(out, "%v  %7d  %7d  %7d  %s\n", m.Date, m.Uploads, m.Fetches, m.Matches, d.name)
	}
	fmt.Fprintf(out, "%-10s  %7s  %7d  %7s  %s\n", "unfinished", "", len(k.unfinished), "", "all_api.json")
}

// check compares what was found with what was appended: each fetch once, on its
// day, in order and unchanged, and the totals of the days right.
func (k *kept) check(want []appended) error {
	for _, d := range k.days {
		n, matches := len(d.fetches()), int64(0)
		if n > len(want) {
			return fmt.Errorf("%s: %d fetches, want at most %d", d.name, n, len(want))
		}
		for i, fetch := range d.fetches() {
			if err := same(fetch, d.Metadata.Date, want[i]); err != nil {
				return fmt.Errorf("%s: %w", d.name, err)
			}
			matches += want[i].fetch.TotalMatches
		}
		if m := d.Metadata; m.Fetches != n || m.Matches != matches || m.Uploads != len(d.Uploads) {
			return fmt.Errorf("%s: its totals are %+v, and it holds %d fetches, %d matches", d.name, m, n, matches)
		}
		want = want[n:]
	}
	if len(k.unfinished) != len(want) {
		return fmt.Errorf("all_api.json: %d fetches, want %d", len(k.unfinished), len(want))
	}
	for i, fetch := range k.unfinished {
		if err := same(fetch, want[i].receipt.Day, want[i]); err != nil {
			return fmt.Errorf("all_api.json: %w", err)
		}
	}
	return nil
}

// same returns an error unless a fetch that was found on a day is the one that was
// appended.
func same(fetch json.RawMessage, day rotatelog.Day, want appended) error {
	var e envelope
	var data bytes.Buffer
	if err := json.Unmarshal(fetch, &e); err != nil {
		return err
	}
	if err := json.Compact(&data, e.Data); err != nil {
		return err
	}
	r := want.receipt
	if day != r.Day || e.Header.Number != r.Number || e.Header.ID != want.fetch.ID {
		return fmt.Errorf("found fetch %d (%s) of %v, want fetch %d (%s) of %v",
			e.Header.Number, e.Header.ID, day, r.Number, want.fetch.ID, r.Day)
	}
	if !bytes.Equal(data.Bytes(), want.fetch.Data) || e.Footer.Matches != want.fetch.TotalMatches {
		return fmt.Errorf("fetch %d of %v is not as it was appended", r.Number, r.Day)
	}
	return nil
}

// ndjson returns all fetches, one per line.
func (k *kept) ndjson() []byte {
	var all []json.RawMessage
	for _, d := range k.days {
		all = append(all, d.fetches()...)
	}
	var lines bytes.Buffer
	for _, fetch := range append(all, k.unfinished...) {
		json.Compact(&lines, fetch) // it was parsed before, so it cannot fail
		lines.WriteByte('\n')
	}
	return lines.Bytes()
}
