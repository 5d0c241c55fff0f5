package dashboard

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog/health"
)

// Wherever it is mounted, all of it is found, and the page refers to nothing elsewhere.
func TestHandlerIsMountedAnywhere(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fetches("all_api", 12)
		h := w.handler(Config{Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("a_metric 1\n")) })})
		for _, prefix := range []string{"", "/rotatelog", "/a/b"} {
			mux := http.NewServeMux()
			mux.Handle(prefix+"/", http.StripPrefix(prefix, h))
			page := w.page(mux, prefix+"/")
			for _, match := range regexp.MustCompile(`(?:href|src|action)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
				if u := match[1]; strings.HasPrefix(u, "/") || strings.Contains(u, ":") {
					t.Errorf("the page refers to %s", u)
				} else if !strings.HasPrefix(u, "#") {
					if answer := w.get(mux, prefix+"/"+u); answer.Code != http.StatusOK {
						t.Errorf("%s: %d", u, answer.Code)
					}
				}
			}
			for path, want := range map[string]string{"/healthz": "ok\n", "/metrics": "a_metric 1\n"} {
				if answer := w.get(mux, prefix+path); answer.Code != http.StatusOK || answer.Body.String() != want {
					t.Errorf("%s%s: %d %q", prefix, path, answer.Code, answer.Body)
				}
			}
		}
		without := http.StripPrefix("/rotatelog", h) // and without a ServeMux, which would add the slash
		if answer := w.get(without, "/rotatelog?stream=all_api"); answer.Code != http.StatusMovedPermanently || answer.Header().Get("Location") != "./rotatelog/" {
			t.Errorf("%d %s", answer.Code, answer.Header())
		}
		for target, want := range map[string]string{
			"/a:b": "./a:b/", "/a%20b?x": "./a%20b/", "http://web1:8080/a:b": "./a:b/", // which alone would be another scheme
			"http://web1:8080": "././", "http://javascript:8080?x": "././", // of a proxy, and a path that is left out
		} {
			u, err := url.ParseRequestURI(target)
			if err != nil {
				t.Fatal(err)
			}
			request := httptest.NewRequest(http.MethodGet, target, nil)
			request.RequestURI = target
			answer := httptest.NewRecorder()
			http.StripPrefix(u.Path, h).ServeHTTP(answer, request)
			to, err := u.Parse(answer.Header().Get("Location"))
			if answer.Code != http.StatusMovedPermanently || answer.Header().Get("Location") != want || err != nil || to.Host != u.Host || to.Path != u.Path+"/" {
				t.Errorf("%s: %d %s, which is %s: %v", target, answer.Code, answer.Header(), to, err)
			}
		}
	})
}

func TestNothingElseIsFound(t *testing.T) {
	inWorld(t, func(w *world) {
		h := w.handler(Config{})
		for _, path := range []string{"/metrics", "/index.html", "/../", "//", "/icon/none.svg", "/?stream=other", "/events?stream=other"} {
			if answer := w.get(h, path); answer.Code != http.StatusNotFound {
				t.Errorf("%s: %d", path, answer.Code)
			}
		}
	})
}

// Nothing can be changed: requests that would are refused, wherever they go.
func TestHandlerIsReadOnly(t *testing.T) {
	inWorld(t, func(w *world) {
		h := w.handler(Config{})
		for path := range h.paths {
			for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions} {
				answer := httptest.NewRecorder()
				h.ServeHTTP(answer, httptest.NewRequest(method, path, nil))
				if answer.Code != http.StatusMethodNotAllowed || answer.Header().Get("Allow") != "GET, HEAD" {
					t.Errorf("%s %s: %d", method, path, answer.Code)
				}
			}
		}
	})
}

// The policy allows what the page has, and nothing else.
func TestPolicyIsStrict(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fetches("all_api", 12)
		answer := w.get(w.handler(Config{}), "/")
		policy, page := answer.Header().Get("Content-Security-Policy"), answer.Body.String()
		if !strings.HasPrefix(policy, "default-src 'none'; ") || regexp.MustCompile(`unsafe|\*|https?:|data:`).MatchString(policy) {
			t.Errorf("the policy is %s", policy)
		}
		for _, name := range []string{"script", "style"} {
			blocks := regexp.MustCompile(`(?s)<`+name+`>(.*?)</`+name+`>`).FindAllStringSubmatch(page, -1)
			if len(blocks) != 1 {
				t.Fatalf("%d of %s", len(blocks), name)
			}
			sum := sha256.Sum256([]byte(blocks[0][1]))
			if want := name + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want) {
				t.Errorf("the policy does not have %s: %s", want, policy)
			}
		}
		if found := regexp.MustCompile(`(?i)<[^>]* (style|on[a-z]+)=|javascript:|<(iframe|object|base|form)`).FindString(page[:strings.Index(page, "<script>")]); found != "" {
			t.Errorf("the policy would stop %s", found)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin"} {
			if got := answer.Header().Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	})
}

// maxPage is how much a page may have, before compression.
const maxPage = 60 << 10

func TestPageIsSmall(t *testing.T) {
	inWorld(t, func(w *world) {
		var streams []Stream
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"} {
			streams = append(streams, w.stream(name))
		}
		w.fetches("a", 100)
		w.fault = refused()
		w.fetches("a", 21)
		page := w.page(w.handler(Config{Streams: streams}), "/")
		if len(page) > maxPage {
			t.Errorf("%d bytes, want at most %d", len(page), maxPage)
		}
	})
}

// Markup in what others chose, such as a file's name in a finding, is text.
func TestNothingIsTakenForMarkup(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fetches("all_api", 12)
		s := w.stream("all_api")
		const evil = `<img src=x onerror="alert('&')">`
		s.Unknown = func() []string { return []string{evil} }
		s.Finding = func(f health.Finding) health.Finding {
			f.Text, f.Steps = evil, []string{evil, "rotatelog " + evil + "   (" + evil}
			return f
		}
		time.Sleep(time.Hour) // and so there is a finding
		page := w.page(w.handler(Config{Streams: []Stream{s}, Host: evil}), "/")
		if strings.Contains(page, "<img") || strings.Count(page, "&lt;img src=x") < 6 {
			t.Error(page)
		}
	})
}

// Who does not have the token sees nothing, wherever they look.
func TestTokenIsAskedFor(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fetches("all_api", 12)
		const token = "correct horse battery"
		h := w.handler(Config{Token: token})
		ask := func(path string, set func(*http.Request)) *httptest.ResponseRecorder {
			ctx, cancel := context.WithTimeout(w.t.Context(), time.Second) // of events, if they were sent
			defer cancel()
			request := httptest.NewRequest(http.MethodGet, path, nil).WithContext(ctx)
			set(request)
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, request)
			return answer
		}
		bearer := func(token string) func(*http.Request) {
			return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
		}
		basic := func(token string) func(*http.Request) {
			return func(r *http.Request) { r.SetBasicAuth("anybody", token) }
		}
		for path := range h.paths {
			for _, wrong := range []string{"", "c", "correct horse batter", "correct horse battery ", "Correct horse battery", strings.Repeat("x", 1000)} {
				for _, set := range []func(*http.Request){bearer(wrong), basic(wrong), func(*http.Request) {}} {
					answer := ask(path, set)
					if answer.Code != http.StatusUnauthorized || answer.Header().Get("WWW-Authenticate") == "" || strings.Contains(answer.Body.String(), "all_api") {
						t.Errorf("%s with %q: %d", path, wrong, answer.Code)
					}
				}
			}
		}
		if reads := w.reads.Load(); reads > 0 {
			t.Errorf("the spool was read %d times for those who have no token", reads)
		}
		for _, set := range []func(*http.Request){bearer(token), basic(token)} {
			if answer := ask("/healthz", set); answer.Code != http.StatusOK {
				t.Errorf("%d %s", answer.Code, answer.Body)
			}
		}
	})
}

// No answer has a secret in it, or anything of what was fetched.
func TestNothingSecretIsShown(t *testing.T) {
	inWorld(t, func(w *world) {
		const token = "correct horse battery"
		w.fetches("all_api", 12)
		h := w.handler(Config{Token: token})
		for _, path := range []string{"/", "/healthz", "/api/v1/status"} {
			request := httptest.NewRequest(http.MethodGet, path, nil)
			request.Header.Set("Authorization", "Bearer "+token)
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, request)
			for _, secret := range []string{token, "FETCHCONTENT", "ID0000000001"} {
				if answer.Code != http.StatusOK || strings.Contains(answer.Body.String(), secret) {
					t.Errorf("%s: %d, it has %q", path, answer.Code, secret)
				}
			}
			spool, err := w.stream("all_api").inspect()
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range spool.Confirmed {
				if strings.Contains(answer.Body.String(), b.ID) {
					t.Errorf("%s has an upload_id, which is noise", path)
				}
			}
		}
	})
}

// Monitors hear of what is worth a mail, and of what cannot be seen, but not of a warning.
func TestHealth(t *testing.T) {
	inWorld(t, func(w *world) {
		want := func(h *Handler, code int, text string) {
			t.Helper()
			time.Sleep(time.Second)
			if answer := w.get(h, "/healthz"); answer.Code != code || answer.Body.String() != text {
				t.Errorf("%d %q, want %d %q", answer.Code, answer.Body, code, text)
			}
		}
		h := w.handler(Config{})
		want(h, http.StatusServiceUnavailable, "unknown all_api\n")
		w.fetches("all_api", 12)
		want(h, http.StatusOK, "ok\n")
		s := w.stream("all_api")
		s.Options.StorageBudget = 1
		s.Facts = func(f *health.Facts) { f.StoredBytes = 2 }
		want(w.handler(Config{Streams: []Stream{s}}), http.StatusOK, "warning storage_over all_api\n")
		time.Sleep(20 * time.Minute)
		want(h, http.StatusServiceUnavailable, "critical append_stale all_api\n")
		want(w.handler(Config{Streams: []Stream{w.stream("all_api"), w.stream("merge")}}), http.StatusServiceUnavailable,
			"critical append_stale all_api\nunknown merge\n")
	})
}

func TestConfigIsChecked(t *testing.T) {
	for want, cfg := range map[string]Config{
		"Config.Streams is empty":                       {},
		"stream merge: Dir is not set":                  {Streams: []Stream{{Name: "merge"}}},
		"stream all_api: it is in Config.Streams twice": {Streams: []Stream{{Dir: "/a"}, {Name: "all_api", Dir: "/b"}}},
	} {
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// The worst state is in the title and in the icon.
func TestTitleHasTheWorst(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fetches("all_api", 12)
		h := w.handler(Config{Streams: []Stream{w.stream("all_api"), w.stream("merge")}})
		title := regexp.MustCompile(`<title>(.*)</title>\n.* href="(.*)">`)
		for _, want := range [][]string{{"UNKNOWN · rotatelog web1", "icon/unknown.svg"}, {"CRITICAL append_stale and 1 more · rotatelog web1", "icon/critical.svg"}} {
			if got := title.FindStringSubmatch(w.page(h, "/?stream=merge")); !slices.Equal(got[1:], want) {
				t.Errorf("%q, want %q", got[1:], want)
			}
			time.Sleep(time.Hour)
		}
	})
}

// Facts of a stream that is not there are an error, not those of a good one.
func TestFactsOfAnotherStream(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fetches("all_api", 3)
		h := w.handler(Config{Streams: []Stream{w.stream("all_api"), w.stream("merge")}})
		if f, err := h.Facts(w.t.Context(), "all_api"); err != nil || f.Spool.Number != 3 || f.Disk == nil || !f.Now.Equal(time.Now()) {
			t.Errorf("%+v, %v", f, err)
		}
		for stream, want := range map[string]string{"merge": "no spool of the stream merge", "other": `no stream "other"`} {
			if _, err := h.Facts(w.t.Context(), stream); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", stream, err)
			}
		}
	})
}
