package alert

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog/health"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestReceiversAreParsed(t *testing.T) {
	for list, want := range map[string]string{
		"":                                    "",
		"ntfy:https://ntfy.sh/topic":          "ntfy ntfy.sh",
		"webhook:http://127.0.0.1:8080/a?b=c": "webhook 127.0.0.1:8080",
		"ntfy:https://u:pass@ntfy.sh/t, webhook:https://hooks.example/SECRET,exec:mail -s 'a, b' root": "ntfy ntfy.sh|webhook hooks.example|exec",
		"exec:tell --to a,b:c exec:tell again":                                                         "exec|exec",
	} {
		var names []string
		for _, r := range receivers(t, list) {
			names = append(names, r.String())
		}
		if got := strings.Join(names, "|"); got != want {
			t.Errorf("%s: %s, want %s", list, got, want)
		}
	}
	both := receivers(t, "exec:tell --to a,b:c exec:tell again")
	if both[0].cmd != "tell --to a,b:c" || both[1].cmd != "tell again" {
		t.Errorf("%q, %q", both[0].cmd, both[1].cmd)
	}
}

func TestReceiversInTheClear(t *testing.T) {
	for list, want := range map[string]bool{
		"webhook:https://hooks.example/": false, "webhook:http://hooks.example/": true, "ntfy:http://10.0.0.1:80/topic": true, "exec:curl http://hooks.example": false,
		"ntfy:http://localhost/topic": false, "webhook:http://127.0.0.2:8080": false, "webhook:http://[::1]/": false, "webhook:http://localhost.example/": true,
	} {
		if got := receivers(t, list)[0].InClear(); got != want {
			t.Errorf("%s: %v", list, got)
		}
	}
}

// What is wrong is said without a secret.
func TestBadReceivers(t *testing.T) {
	for list, want := range map[string]string{
		"https://hooks.example/SECRET":                               "receiver 1: it does not begin like ntfy:URL, webhook:URL or exec:CMD",
		"webhook:https://a.example,webhook:hooks.example/SECRET":     "receiver 2: webhook: it is not followed by https:// and a host",
		"webhook:https://hooks.example/SECRET%zz":                    "receiver 1: webhook: it is not followed by https:// and a host",
		"webhook:https://hooks.example/SECRET,slack:https://b":       "a URL has no comma and no space",
		"ntfy:https://SECRET@ntfy.sh/":                               "receiver 1: ntfy: the URL has no topic",
		"exec:":                                                      "receiver 1: exec: has no command",
		"webhook:ftp://hooks.example/SECRET":                         "receiver 1: webhook: it is not followed by https:// and a host",
		"ntfy:https://ntfy.sh/topic,mailto:SECRET@example.com":       "a URL has no comma and no space",
		"webhook:https://u:SECRET@hooks.example:port/":               "it is not followed by https:// and a host",
		"ntfy:https://ntfy.sh/topic webhook:https:///SECRET/nothing": "receiver 2: webhook: it is not followed by https:// and a host",
	} {
		if _, err := ParseReceivers(list); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", list, err)
		}
	}
	if _, err := ParseHeartbeat("SECRET"); err == nil || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("%v", err)
	}
}

// However a receiver is printed, its secret is not.
func TestReceiverPrintsNoSecret(t *testing.T) {
	for _, r := range append(receivers(t, "ntfy:https://u:SECRET@ntfy.sh/SECRET,webhook:https://hooks.example/SECRET?SECRET,exec:tell SECRET"), heartbeat(t, "https://hc.example/SECRET")) {
		e := evaluator(t, Config{Dir: "/x", Notify: []*Receiver{r}, Heartbeat: r})
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			for _, value := range []any{r, *r, Sent{To: r}, []*Receiver{r}, e, e.cfg, r.mark()} {
				if text := fmt.Sprintf(verb, value); strings.Contains(text, "SECRET") || strings.Contains(text, fmt.Sprintf("%x", "SECRET")) {
					t.Errorf("%s of %T: %s", verb, value, text)
				}
			}
		}
		if text, err := json.Marshal(r); err != nil || strings.Contains(string(text), "SECRET") {
			t.Errorf("%s, %v", text, err)
		}
	}
}

// example is a message about two streams.
func example(t *testing.T, status Status) Message {
	now := at(t, "10 03:14")
	c := cause{Code: health.UploadRefused, Level: health.Critical, Since: at(t, "10 02:59"), Streams: []string{"all_api", "merge"}}
	for _, stream := range c.Streams {
		c.Symptoms = append(c.Symptoms, symptom{Stream: stream, Level: health.Critical, Last: now.Add(-10 * time.Minute), Finding: health.Finding{
			Text:  "The store refuses the key: 403 InvalidAccessKeyId, since 02:59:02 AM. Nothing is lost: 2 batches (20 fetches, 37 MB) wait; the disk lasts 22 days.",
			Steps: []string{"put a new key into /etc/rotatelog/env   (read again without a restart)", "rotatelog doctor"}}})
	}
	a := c.alert(c.firing())
	if status == Resolved {
		a = c.resolved(now)
	}
	return Message{Kind: KindAlert, Host: "web1", Time: now.UTC(), Alerts: []Alert{a}}.complete()
}

// What a webhook gets is pinned: programs read it. Chats show the member text.
func TestJSONOfMessages(t *testing.T) {
	morning := Message{Kind: KindMorning, Host: "web1", Time: at(t, "10 08:00").UTC(), Alerts: example(t, Resolved).Alerts,
		Lines: []string{"all_api Wed 07/09: complete. 1,440 fetches, 144 uploads, 64,112 match records (usual), 2.63 GB. Verified. Disk 22 d."}}.complete()
	for name, m := range map[string]Message{"firing": example(t, Firing), "resolved": example(t, Resolved), "morning": morning} {
		got, err := json.MarshalIndent(m, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", name+".json")
		if *update {
			if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
			t.Errorf("%s (-want +got):\n%s", golden, diff)
		}
	}
}

// What is firing and what is over have the same members.
func TestFiringAndResolvedHaveOneShape(t *testing.T) {
	members := func(s Status) map[string]bool {
		text, err := json.Marshal(example(t, s).Alerts[0])
		if err != nil {
			t.Fatal(err)
		}
		var all map[string]any
		if err := json.Unmarshal(text, &all); err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for name, value := range all {
			if names[name] = true; value == nil {
				t.Errorf("%s of what is %s is null", name, s)
			}
		}
		delete(names, "until") // when it was last found
		return names
	}
	if diff := cmp.Diff(members(Firing), members(Resolved)); diff != "" {
		t.Errorf("members (-firing +resolved):\n%s", diff)
	}
}

// Chats refuse long texts: they are cut, at a character.
func TestLongTextIsCut(t *testing.T) {
	m := example(t, Firing)
	m.Alerts[0].Text = strings.Repeat("…é", 2000)
	if text := m.complete().Text; len(text) > 2000 || !strings.HasSuffix(text, "\nrotatelog says all of it") || strings.ToValidUTF8(text, "") != text {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}

// What ntfy gets: the text, a title, how loud it is; the key as a header.
func TestNtfy(t *testing.T) {
	type request struct{ Title, Priority, Tags, Auth, Path, Body string }
	for name, want := range map[Status]request{
		Firing:   {"rotatelog web1: CRITICAL upload_refused: all_api, merge", "5", "rotating_light", "Basic dTpTRUNSRVQ=", "/topic", ""},
		Resolved: {"rotatelog web1: RESOLVED upload_refused: all_api, merge", "3", "white_check_mark", "Basic dTpTRUNSRVQ=", "/topic", ""},
	} {
		m := example(t, name)
		want.Body = m.Text
		var got request
		e := evaluator(t, Config{Dir: "/x", Transport: transport(func(r *http.Request) (*http.Response, error) {
			body := make([]byte, r.ContentLength)
			r.Body.Read(body)
			got = request{r.Header.Get("Title"), r.Header.Get("Priority"), r.Header.Get("Tags"), r.Header.Get("Authorization"), r.URL.String(), string(body)}
			got.Path = strings.TrimPrefix(got.Path, "https://ntfy.sh")
			return answers(200), nil
		})})
		if err := e.send(t.Context(), receivers(t, "ntfy:https://u:SECRET@ntfy.sh/topic")[0], m); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// An error of the network has the host and not the URL.
func TestErrorOfTheNetwork(t *testing.T) {
	e := evaluator(t, Config{Dir: "/x", Transport: transport(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") })})
	err := e.send(t.Context(), receivers(t, "webhook:https://u:SECRET@hooks.example/SECRET?SECRET")[0], example(t, Firing))
	wantNoSecret(t, err)
	if !strings.Contains(err.Error(), "no route to host") {
		t.Errorf("%v", err)
	}
}

// Nor has an error that quotes what a server, a proxy or a library says of the request.
func TestErrorQuotesNoSecret(t *testing.T) {
	const list = "webhook:https://u:SECRETpass@hooks.example/SECRET%2Fpath/x?token=SECRET+query#SECRETend"
	answer := func(code int, location string) func() (*http.Response, error) {
		return func() (*http.Response, error) {
			a := answers(code)
			a.Header.Set("Location", location)
			return a, nil
		}
	}
	fails := func(text string) func() (*http.Response, error) {
		return func() (*http.Response, error) { return nil, errors.New(text) }
	}
	for name, test := range map[string]struct {
		do   func() (*http.Response, error)
		want string
	}{
		"redirects elsewhere":       {answer(302, "https://new.example/SECRET%2Fpath"), "set the URL to which it redirects, at new.example"},
		"redirects with a key":      {answer(301, "https://u:SECRETpass@new.example/"), "at new.example"},
		"redirects to nonsense":     {answer(302, "https://new.example:port/SECRET%2Fpath"), "it answers 302"},
		"redirects to no URL":       {answer(307, "SECRET%zz"), "it answers 307"},
		"redirects to a path":       {answer(308, "/SECRET/other"), "it answers 308"},
		"answers with the request":  {fails(`malformed HTTP response "POST /SECRET%2Fpath/x?token=SECRET+query HTTP/1.1"`), "malformed HTTP response"},
		"names the path unescaped":  {fails(`no route to "/SECRET/path/x" for "SECRET query"`), "no route to"},
		"names the key":             {fails(`bad credentials u:SECRETpass`), "bad credentials"},
		"answers with its password": {fails(`bad header "Basic dTpTRUNSRVRwYXNz"`), "bad header"},
	} {
		e := evaluator(t, Config{Dir: "/x", Transport: transport(func(*http.Request) (*http.Response, error) { return test.do() })})
		err := e.send(t.Context(), receivers(t, list)[0], example(t, Firing))
		wantNoSecret(t, err)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "dTpTRUNSRVRwYXNz") {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// However many streams have something, what says so is short, says what to do, and has all
// of them for programs.
func TestMessageOfManyStreams(t *testing.T) {
	l := Look{Now: at(t, "10 12:00")}
	for i := range 10_000 {
		l.Streams = append(l.Streams, Stream{Name: fmt.Sprintf("%s_%d", strings.Repeat("x", 60), i), Findings: []health.Finding{
			{Code: health.DiskDays, Severity: health.Critical, Text: fmt.Sprintf("It is full in %d h.", i), Steps: []string{"make room"}}}})
	}
	m, p := &memory{}, policy{host: "web1", zone: newYork(t), hasPage: true}
	m.evaluate(l, p, false)
	l.Now = l.Now.Add(5 * time.Minute)
	m.evaluate(l, p, false)
	if len(m.Outbox.Waiting) != 1 {
		t.Fatalf("%d messages", len(m.Outbox.Waiting))
	}
	msg := m.Outbox.Waiting[0].Message
	if len(msg.Title()) > 500 || !strings.Contains(msg.Title(), " and 9,997 more") {
		t.Errorf("the title has %d bytes: %.600s", len(msg.Title()), msg.Title())
	}
	if !strings.Contains(msg.Text, "_0: It is full in 0 h.\n") || !strings.HasSuffix(msg.Text, "\n1. make room") || len(msg.Text) > maxText {
		t.Errorf("the text has %d bytes: %s", len(msg.Text), msg.Text)
	}
	if n := len(msg.Alerts[0].Streams); n != 10_000 {
		t.Errorf("%d streams", n)
	}
	for range 4 {
		l.Now = l.Now.Add(5 * time.Minute)
		for i := range l.Streams {
			l.Streams[i].Findings = nil
		}
		m.evaluate(l, p, false)
	}
	if n := len(m.Outbox.Waiting); n != 2 || len(m.Causes) != 0 {
		t.Errorf("%d messages, %d causes", n, len(m.Causes))
	}
}
