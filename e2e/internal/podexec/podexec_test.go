package podexec

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/exec"
	"k8s.io/klog/v2"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
	"k8s.io/streaming/pkg/httpstream/wsstream"
)

// exited is the status that a kubelet sends of a command that ended with code 3.
const exited = `{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}`

// gateway stands for an API server and what is before it: it lets some kinds of connections through, and answers what the command prints.
type gateway struct {
	webSocket, spdy bool

	mu   sync.Mutex
	seen []string // the methods of the requests
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	g.mu.Lock()
	g.seen = append(g.seen, req.Method+" "+strings.Join(req.URL.Query()["command"], " "))
	g.mu.Unlock()
	switch {
	case wsstream.IsWebSocketRequest(req) && g.webSocket:
		g.answerWebSocket(w, req)
	case req.Method == http.MethodPost && g.spdy:
		g.answerSPDY(w, req)
	default:
		http.Error(w, "no such upgrade", http.StatusBadRequest)
	}
}

func (*gateway) answerWebSocket(w http.ResponseWriter, req *http.Request) {
	conn := wsstream.NewConn(map[string]wsstream.ChannelProtocolConfig{remotecommand.StreamProtocolV5Name: {
		Binary: true, Channels: []wsstream.ChannelType{wsstream.IgnoreChannel, wsstream.WriteChannel, wsstream.WriteChannel, wsstream.WriteChannel},
	}})
	_, channels, err := conn.Open(w, req)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	for i, text := range []string{"", "by WebSocket", "", exited} {
		_, _ = io.WriteString(channels[i], text)
	}
}

func (*gateway) answerSPDY(w http.ResponseWriter, req *http.Request) {
	if _, err := httpstream.Handshake(req, w, []string{remotecommand.StreamProtocolV4Name}); err != nil {
		return
	}
	streams := make(chan httpstream.Stream, 3)
	conn := spdy.NewResponseUpgrader().UpgradeResponse(w, req, func(s httpstream.Stream, _ <-chan struct{}) error {
		streams <- s
		return nil
	})
	if conn == nil {
		return
	}
	defer func() { _ = conn.Close() }()
	for range 3 {
		s := <-streams
		switch s.Headers().Get(corev1.StreamType) {
		case corev1.StreamTypeStdout:
			_, _ = io.WriteString(s, "by SPDY")
		case corev1.StreamTypeError:
			_, _ = io.WriteString(s, exited)
		}
		_ = s.Close()
	}
	select { // until the client has read it
	case <-conn.CloseChan():
	case <-time.After(5 * time.Second):
	}
}

func TestRunTakesWhatGetsThrough(t *testing.T) {
	for name, c := range map[string]struct {
		gateway *gateway
		printed string
		seen    []string
	}{
		"both":           {&gateway{webSocket: true, spdy: true}, "by WebSocket", []string{"GET echo a"}},
		"WebSocket only": {&gateway{webSocket: true}, "by WebSocket", []string{"GET echo a"}},
		"SPDY only":      {&gateway{spdy: true}, "by SPDY", []string{"GET echo a", "POST echo a"}},
		"neither":        {&gateway{}, "", []string{"GET echo a", "POST echo a"}},
	} {
		server := httptest.NewServer(c.gateway)
		config := &rest.Config{Host: server.URL}
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		logged := ""
		ctx := klog.NewContext(t.Context(), funcr.New(func(_, text string) { logged += text }, funcr.Options{Verbosity: 10}))
		err = Run(ctx, client.CoreV1().RESTClient(), config, Command{"n", "p", "c", []string{"echo", "a"}}, &stdout, &stderr)
		exit, ended := errors.AsType[exec.CodeExitError](err)
		if stdout.String() != c.printed || ended != (c.printed != "") || ended && exit.Code != 3 {
			t.Errorf("%s: expected %q and exit code 3, found %q and %v", name, c.printed, stdout.String(), err)
		}
		if logged != "" {
			t.Errorf("%s: expected errors alone to tell of the connection, found the log %q", name, logged)
		}
		c.gateway.mu.Lock()
		if strings.Join(c.gateway.seen, ",") != strings.Join(c.seen, ",") {
			t.Errorf("%s: expected the requests %q, found %q", name, c.seen, c.gateway.seen)
		}
		c.gateway.mu.Unlock()
		server.Close()
	}
}
