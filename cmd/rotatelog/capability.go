package main

import (
	"fmt"
	"slices"
	"strings"

	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/s3store"
)

// row is a line of the table: what was tested, the finding, and what follows for a
// Writer if it is ok, or if not.
type row struct {
	what       string
	need       need
	finding    s3store.Finding
	ifOK, ifNo string
}

// need says who cannot do without something.
type need int

const (
	nobody  need = iota
	toOwn        // any Writer
	toShare      // Writers that share a key
)

func rows(c s3store.Capabilities, today owner) []row {
	return []row{
		{"bucket reachable", toOwn, c.Reach, "a missing object is reported as missing", "nothing can be stored"},
		{"list", nobody, c.List, "the daily objects can be listed", "the daily objects cannot be listed, which only verify and export need"},
		{"write", toOwn, c.Put, "an object can be stored", "nothing can be stored"},
		{"read back", toOwn, c.Read, "it comes back unchanged", "what is stored cannot be trusted"},
		{"append", toOwn, c.Write, "an upload is added to the earlier ones", "uploads fail"},
		{"today's object", today.foreign, today.finding, "it is this directory's, or does not exist yet", "it belongs to another Writer"},
		{"metadata", nobody, worst(c.Metadata, c.LargeMetadata, c.MultipartMetadata),
			"metadata shows which uploads are there", "each upload has to read the whole object first"},
		{"checksum", nobody, c.ContentMD5, "damaged uploads are refused", "damaged uploads are stored"},
		{"conditional write", toShare, c.CreateOnly, "the first upload of a day overwrites no other", "Writers that begin a day may overwrite each other"},
		{"stale write refused", toShare, c.IfMatch, "an upload never overwrites another Writer's", "Writers may overwrite each other's uploads"},
		{"race", toShare, c.Atomic, "of concurrent writers, one succeeds", "concurrent writers may overwrite each other"},
		{"part copy", nobody, c.CopyPart, "only what is new is sent", "each upload has to send the whole object"},
		{"conditional complete", nobody, worst(c.CompleteCreateOnly, c.CompleteIfMatch),
			"only what is new is sent to a shared key, too", "each upload to a shared key sends the whole object"},
		{"versioning off", nobody, not(c.Versioned), "no old versions pile up", "each upload leaves an old version: let a lifecycle rule expire them"},
		{"delete", nobody, c.Delete, "this test leaves nothing behind", "this test leaves its objects behind"},
		{"clock", nobody, c.Clock, "this machine's clock is right", "fetches may go to the wrong day"},
	}
}

// worst returns the worst of the findings.
func worst(findings ...s3store.Finding) s3store.Finding {
	for _, answer := range []s3store.Result{s3store.ResultNo, s3store.ResultUnknown} {
		i := slices.IndexFunc(findings, func(f s3store.Finding) bool { return f.Result == answer })
		if i >= 0 {
			return findings[i]
		}
	}
	return findings[0]
}

func not(f s3store.Finding) s3store.Finding {
	switch f.Result {
	case s3store.ResultYes:
		return s3store.Finding{Result: s3store.ResultNo}
	case s3store.ResultNo:
		return s3store.Finding{Result: s3store.ResultYes}
	}
	return f
}

// Widths of the columns of the table.
const (
	whatWidth   = 22
	resultWidth = 9
)

// printTable prints a line for each row and, below those that are not ok, the reason,
// unless an earlier row has the same.
func (a *app) printTable(table []row) {
	said := map[string]bool{}
	const few = 3
	untried := untriedOf(table)
	for _, r := range table {
		result, follows := r.result()
		if follows == notTried && len(untried) > few {
			continue
		}
		begin := fmt.Sprintf("%-*s%-*s", whatWidth, r.what, resultWidth, result)
		lines := strings.Join(format.Wrap(follows, strings.Repeat(" ", len(begin)), a.out.width), "\n")
		c := yellow
		switch {
		case result == "ok":
			c = green
		case r.need == toOwn:
			c = red
		}
		a.println(strings.Replace(begin, result, a.out.paint(c, result), 1) + lines[len(begin):])
		if err := r.finding.Err; err != nil && !said[err.Error()] {
			said[err.Error()] = true
			a.println(strings.Join(format.Wrap(withoutRequest(err.Error(), err), "  ", a.out.width), "\n"))
		}
	}
	if len(untried) > few {
		a.paragraph("not tried: " + strings.Join(untried, ", "))
	}
}

// notTried is what is said of a test that another one has to precede.
const notTried = "not tried"

// untriedOf returns what was not tried.
func untriedOf(table []row) []string {
	var all []string
	for _, r := range table {
		if _, follows := r.result(); follows == notTried {
			all = append(all, r.what)
		}
	}
	return all
}

func (r row) result() (result, follows string) {
	switch {
	case r.finding.Result == s3store.ResultYes:
		return "ok", r.ifOK
	case r.finding.Result == s3store.ResultNo:
		return "no", r.ifNo
	case r.finding.Err != nil:
		return "unknown", "the test failed"
	}
	return "unknown", notTried
}

// firstBad says what follows from the first row of that need that is not ok, or ""
// if all are ok.
func firstBad(table []row, n need) string {
	i := slices.IndexFunc(table, func(r row) bool { return r.need == n && r.finding.Result != s3store.ResultYes })
	if i < 0 {
		return ""
	}
	_, follows := table[i].result()
	return fmt.Sprintf("%s (see %q)", follows, table[i].what)
}
