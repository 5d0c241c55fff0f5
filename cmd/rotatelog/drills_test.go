package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// The tests of this file type what docs/OPERATIONS.md has an operator type.

// expected is what a command of a document should end with, and print.
type expected struct {
	code  int
	texts []string
}

func good(texts ...string) expected          { return expected{codeOK, texts} }
func bad(code int, texts ...string) expected { return expected{code, texts} }

// manual is an operator who follows a section of the document.
type manual struct {
	*operator
	blocks []string // that have not been typed
	places []string // of the document, and where they are here
}

func newManual(t *testing.T, o *operator, anchor string) *manual {
	t.Helper()
	m := &manual{operator: o}
	for _, b := range fence.FindAllStringSubmatch(section(t, anchor), -1) {
		if b[1] == "sh" {
			m.blocks = append(m.blocks, b[2])
		}
	}
	return m
}

// at says where a place of the document is here.
func (m *manual) at(place, here string) { m.places = append(m.places, place, here) }

// follows types the next block, whose commands should answer so.
func (m *manual) follows(answers ...expected) {
	m.t.Helper()
	if len(m.blocks) == 0 {
		m.t.Fatal("there is no further block")
	}
	lines := strings.Split(strings.TrimSpace(m.blocks[0]), "\n")
	m.blocks = m.blocks[1:]
	if len(lines) != len(answers) {
		m.t.Fatalf("a block has %d commands, of which %d are known: %q", len(lines), len(answers), lines)
	}
	for i, line := range lines {
		m.types(answers[i].code, strings.NewReplacer(m.places...).Replace(line), answers[i].texts...)
	}
}

// ends checks that all of the section has been typed.
func (m *manual) ends() {
	m.t.Helper()
	if len(m.blocks) > 0 {
		m.t.Errorf("this has not been typed: %q", m.blocks)
	}
}

// wantAll checks that a day has all fetches, from the first of these to the last, once.
func (m *manual) wantAll(day string, first, last int) {
	m.t.Helper()
	m.types(codeOK, "rotatelog cat "+day)
	for n := first; n <= last; n++ {
		if c := strings.Count(m.stdout, fetchOf(n)); c != 1 {
			m.t.Errorf("%s has fetch %d %d times", day, n, c)
		}
	}
	if n := strings.Count(m.stdout, "\n"); n != last-first+1 {
		m.t.Errorf("%s has %d fetches, want %d", day, n, last-first+1)
	}
}

func TestServerDrillOfALostConnection(t *testing.T) {
	onServers(t, func(t *testing.T, s s3Server) {
		if testing.Short() {
			t.Skip("each run waits for the store for some seconds")
		}
		o := newOperator(t, s)
		o.fetches(20)
		m := newManual(t, o, "a-lost-connection")
		there := o.endpoint
		o.endpoint = "http://127.0.0.1:1"
		o.settings(o.accessKey)
		o.fetches(10) // runs succeed
		o.clock.Advance(31 * time.Minute)
		o.fetches(1)
		m.follows(
			bad(codeFinding, "all_api  ERROR upload_late ", "Nothing is lost"),
			bad(codeUnreachable, "nothing answers at http://127.0.0.1:1"))
		o.endpoint = there
		o.settings(o.accessKey)
		m.follows(good("1 batch sent, nothing waits"), good("all_api  OK ", "waiting    nothing"), good(": all good"))
		o.fetches(9)
		m.wantAll("today", 1, 40)
		m.ends()
	})
}

// newOperatorOnTheNextDay returns an operator with twenty fetches of July 10, which is over,
// and one of the day after.
func newOperatorOnTheNextDay(t *testing.T, s s3Server) *operator {
	o := newOperator(t, s)
	o.clock.Advance(11*time.Hour - 8*time.Minute) // until the evening
	o.fetches(20)
	o.clock.Advance(12 * time.Hour)
	o.fetches(1)
	return o
}

func TestServerDrillOfACorruptedDay(t *testing.T) {
	onServers(t, func(t *testing.T, s s3Server) {
		o := newOperatorOnTheNextDay(t, s)
		o.bucket.edit(july10, fetchOf(15), fetchOf(99))
		m := newManual(t, o, "a-corrupted-day")
		m.follows(
			bad(codeFinding, "ERROR    checksum  upload 2: ", "next: rotatelog restore 2025-07-10\n"),
			good("1 of 2 uploads are whole; not: 2", "Nothing was changed."))
		m.follows(good("damaged/"), good(": all good"))
		m.wantAll("2025-07-10", 1, 20)
		m.ends()
	})
}

func TestServerDrillOfADeletedDay(t *testing.T) {
	onServers(t, func(t *testing.T, s s3Server) {
		o := newOperatorOnTheNextDay(t, s)
		backup := t.TempDir() + "/"
		o.types(codeOK, "rotatelog export yesterday --raw --out "+backup) // as the crontab does
		m := newManual(t, o, "a-deleted-day")
		m.at("/srv/backup/", backup)
		o.bucket.delete(july10)
		m.follows(good("Nothing was changed."), good(), good(": all good"))
		m.wantAll("2025-07-10", 1, 20)

		o.bucket.delete(july10)
		o.forget()
		m.follows(good("Nothing was changed."), good(), good(": all good"))
		m.wantAll("2025-07-10", 1, 20)
		m.ends()
	})
}

func TestServerDrillOfALostMachine(t *testing.T) {
	onServers(t, func(t *testing.T, s s3Server) {
		o := newOperator(t, s)
		o.fetches(24) // four are not uploaded
		old := o.dir
		o.dir = filepath.Join(t.TempDir(), "rotatelog")
		if err := os.Mkdir(o.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		o.settings(o.accessKey)
		m := newManual(t, o, "a-lost-machine")
		m.at("/mnt/old/rotatelog", old)
		m.follows(good("Nothing was changed."), good("next: start what appends here"))
		o.fetches(10)
		m.follows(good("all_api  OK "), good(": all good"))
		m.follows(good("Nothing was changed."), good(), good(": all good"))
		m.wantAll("today", 1, 34)
		m.ends()
	})
}

// A key is replaced, first at the provider and then here.
func TestNewKeyOfOperations(t *testing.T) {
	onFake(t, func(t *testing.T, s s3Server, setKey func(key string)) {
		o := newOperator(t, s)
		o.fetches(10)
		t.Cleanup(func() { setKey(accessKey) }) // with which the bucket is removed
		setKey("AKIDNEW")
		o.fetches(13) // the old key is refused meanwhile
		o.settings("AKIDNEW")
		m := newManual(t, o, "a-new-key-without-a-restart")
		m.follows(good("A Writer works here."), good("nothing waits"))
		m.wantAll("today", 1, 23)
		m.ends()
	})
}

// goodAnswer is what a good answer has, or has not: a text in backticks, after "no" or
// not.
var goodAnswer = regexp.MustCompile("(no (?:day says )?)?`([^`]+)`")

// TestServerChecks types each check of the document, and holds against what is printed what
// a good answer has.
func TestServerChecks(t *testing.T) {
	onServers(t, func(t *testing.T, s s3Server) {
		o := newOperator(t, s)
		rules := []types.LifecycleRule{{ID: aws.String("unfinished-uploads"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")},
			AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(7)}}}
		if _, err := o.bucket.client.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{Bucket: &o.bucket.name,
			LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: rules}}); err != nil {
			t.Fatal(err)
		}
		day := func() {
			o.fetches(3)
			o.clock.Advance(24*time.Hour - 3*time.Minute)
		}
		for range 7 {
			day()
		}
		o.fetches(10)
		m := &manual{operator: o, places: []string{"/srv/rehearsal", t.TempDir(), "/srv/spare", t.TempDir(), "july.html", filepath.Join(t.TempDir(), "july.html")}}
		n := m.checks("each-day") + m.checks("each-week") + m.checks("each-quarter")
		for o.clock.Advance(24*time.Hour - 10*time.Minute); o.clock.Now().Month() == time.July; {
			day()
		}
		o.fetches(1)
		o.set("ROTATELOG_NOTIFY", "exec:cat >/dev/null")
		n += m.checks("each-month") + m.checks("each-year")
		if n != 14 {
			t.Errorf("there are %d checks", n)
		}
	})
}

// checks types the commands of a table of checks, and returns how many there are.
func (m *manual) checks(anchor string) int {
	m.t.Helper()
	rows := tableRows(section(m.t, anchor))
	for _, row := range rows {
		command := code.FindStringSubmatch(row[0])[1]
		m.types(codeOK, strings.NewReplacer(m.places...).Replace(command))
		for _, want := range goodAnswer.FindAllStringSubmatch(row[1], -1) {
			pattern := strings.ReplaceAll(regexp.QuoteMeta(want[2]), "…", ".*")
			if found := regexp.MustCompile(pattern).MatchString(m.stdout); found != (want[1] == "") {
				m.t.Errorf("%s should have %s:\n%s", command, want[0], m.stdout)
			}
		}
	}
	return len(rows)
}

// delete deletes an object.
func (o objects) delete(key string) {
	o.t.Helper()
	if _, err := o.client.DeleteObject(o.t.Context(), &s3.DeleteObjectInput{Bucket: &o.name, Key: &key}); err != nil {
		o.t.Fatal(err)
	}
}

// forget removes what the spool keeps of days in the bucket, as time does.
func (o *operator) forget() {
	o.t.Helper()
	for _, pattern := range []string{"uploaded/2025-07-10-*", "body-*"} {
		files, err := filepath.Glob(filepath.Join(o.dir, "all_api.spool", pattern))
		if err != nil || len(files) == 0 && strings.HasPrefix(pattern, "uploaded") {
			o.t.Fatalf("%s is %q, %v", pattern, files, err)
		}
		for _, file := range slices.Clone(files) {
			if err := os.Remove(file); err != nil {
				o.t.Fatal(err)
			}
		}
	}
}
