package disturbances

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/apiproxy"
)

// clockOff has the node's kubelet see and write all times as if its clock were ahead by d, or behind where d is negative. Containers share the clock of
// their machine, so that a proxy moves each time that passes between kubelet and API server: what is written by d, what is read by as much in the other
// direction. To the kubelet and to all others that is the same as a clock that is off.
func clockOff(d time.Duration) func(context.Context, *Env) (undo, error) {
	return func(ctx context.Context, s *Env) (undo, error) {
		gateway, err := s.gateway(ctx)
		if err != nil {
			return nil, err
		}
		written, read := newClock(d), newClock(-d)
		p := &apiproxy.Proxy{
			Address: gateway, User: "system:node:" + s.Node, Groups: []string{"system:nodes", "system:authenticated"},
			Change: func(_ *http.Request, body []byte) []byte { return written.move(body) },
			Answer: func(_ *http.Request, answer io.ReadCloser) io.ReadCloser { return read.body(answer) },
		}
		if _, err := p.Start(context.WithoutCancel(ctx), s.Kubeconfig, s.Dir); err != nil {
			return nil, err
		}
		back := func(ctx context.Context) error {
			return errors.Join(s.sh(ctx, restoreKubelet), p.Close(), s.awaitClock(ctx, 0))
		}
		err = s.sh(ctx, fmt.Sprintf(redirectKubelet, p.URL()))
		if err == nil {
			err = s.awaitClock(ctx, d)
		}
		if err != nil {
			return nil, errors.Join(err, back(context.WithoutCancel(ctx)))
		}
		return back, nil
	}
}

// awaitClock returns once the kubelet renews its node's lease with times that are d ahead of this machine's clock, which is that of the API server.
func (s *Env) awaitClock(ctx context.Context, d time.Duration) error {
	const within, precision = 2 * time.Minute, 5 * time.Second // a kubelet renews its lease every 10 s
	var last metav1.MicroTime
	var off time.Duration
	err := wait.PollUntilContextTimeout(ctx, time.Second, within, true, func(ctx context.Context) (bool, error) {
		lease, err := s.Client.CoordinationV1().Leases("kube-node-lease").Get(ctx, s.Node, metav1.GetOptions{})
		if err != nil || lease.Spec.RenewTime == nil {
			return false, ctx.Err()
		}
		// One that is renewed while it is looked at has the time that it is by the kubelet's clock.
		renewed := !last.IsZero() && !last.Equal(lease.Spec.RenewTime)
		last, off = *lease.Spec.RenewTime, time.Until(lease.Spec.RenewTime.Time)
		return renewed && (off-d).Abs() <= precision, nil
	})
	if err != nil {
		return fmt.Errorf("expected the kubelet of %s to renew its lease with a clock that is off by %s, found %s: %w", s.Node, d, off, err)
	}
	return nil
}

// redirectKubelet has the kubelet send its requests, as JSON, to another address; restoreKubelet undoes that.
const (
	redirectKubelet = kubeletFiles + `mkdir -p "$saved" && cp -a "$conf" "$config" "$saved"
sed -i 's|^\( *\)server: .*|\1server: %s\n\1insecure-skip-tls-verify: true|; /certificate-authority-data:/d' "$conf"
sed -i '/^contentType:/d' "$config" && echo 'contentType: application/json' >> "$config"
systemctl restart kubelet`
	restoreKubelet = kubeletFiles + `test -e "$saved" || exit 0
cp -a "$saved/${conf##*/}" "$conf" && cp -a "$saved/${config##*/}" "$config" && rm -r "$saved"
systemctl restart kubelet`
	kubeletFiles = `set -e
conf=/etc/kubernetes/kubelet.conf config=/var/lib/kubelet/config.yaml saved=/etc/kubernetes/kubelet.saved
`
)

// clock moves times. Their precision of a second is that of metav1.Time.
type clock struct {
	times *regexp.Regexp
	by    time.Duration
}

// newClock returns a clock that moves the times of JSON as metav1.Time and metav1.MicroTime write them: RFC 3339, in UTC.
func newClock(by time.Duration) clock {
	return clock{regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"`), by}
}

// move returns JSON with its times moved. Fractions of a second, and so the length, stay as they are.
func (c clock) move(data []byte) []byte {
	return c.times.ReplaceAllFunc(data, func(quoted []byte) []byte {
		const seconds = len("2006-01-02T15:04:05")
		at, err := time.Parse(time.RFC3339, string(quoted[1:len(quoted)-1]))
		if err != nil {
			return quoted
		}
		return slices.Concat(quoted[:1], []byte(at.Add(c.by).Format(time.RFC3339)[:seconds]), quoted[1+seconds:])
	})
}

// body returns a body of JSON with its times moved. A watch delivers what is complete once its line has ended.
func (c clock) body(from io.ReadCloser) io.ReadCloser {
	moved, to := io.Pipe()
	go func() {
		lines := bufio.NewReader(from)
		for {
			line, err := lines.ReadBytes('\n')
			if _, closed := to.Write(c.move(line)); closed != nil {
				return
			}
			if err != nil {
				_ = to.CloseWithError(err)
				return
			}
		}
	}()
	return movedBody{moved, from}
}

// movedBody ends with the body that it is made from.
type movedBody struct {
	*io.PipeReader
	from io.Closer
}

func (b movedBody) Close() error { return errors.Join(b.PipeReader.Close(), b.from.Close()) }
