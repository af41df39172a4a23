package disturbances

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

// proxy forwards connections to the API server, with a delay or for a limited time.
type proxy struct {
	to    string
	delay atomic.Int64  // of what is sent, each way, in nanoseconds
	life  time.Duration // of a connection; 0 for no limit

	listener net.Listener
	open     sync.WaitGroup
	cancel   context.CancelFunc
}

// listen accepts connections at an address of this machine until close.
func (p *proxy) listen(ctx context.Context, from string) error {
	var listen net.ListenConfig
	var err error
	if p.listener, err = listen.Listen(ctx, "tcp", from); err != nil {
		return err
	}
	ctx, p.cancel = context.WithCancel(ctx)
	p.open.Go(func() {
		for {
			near, err := p.listener.Accept()
			if err != nil {
				return
			}
			p.open.Go(func() { p.serve(ctx, near) })
		}
	})
	return nil
}

// close cuts every connection.
func (p *proxy) close(context.Context) error {
	p.cancel()
	err := p.listener.Close()
	p.open.Wait()
	return err
}

// serve forwards one connection until one side closes it or its life is over.
func (p *proxy) serve(ctx context.Context, near net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	if p.life > 0 {
		ctx, cancel = context.WithTimeout(ctx, p.life)
	}
	defer cancel()
	var dialer net.Dialer
	far, err := dialer.DialContext(ctx, "tcp", p.to)
	if err != nil {
		_ = near.Close()
		return
	}
	stop := context.AfterFunc(ctx, func() { _, _ = near.Close(), far.Close() })
	defer stop()
	var both sync.WaitGroup
	both.Go(func() { defer cancel(); p.copy(ctx, far, near) })
	both.Go(func() { defer cancel(); p.copy(ctx, near, far) })
	both.Wait()
}

// chunk is data that was read, and when it is to be written.
type chunk struct {
	data []byte
	due  time.Time
}

// copy writes what is read, each chunk after the delay.
func (p *proxy) copy(ctx context.Context, to io.Writer, from io.Reader) {
	chunks := make(chan chunk, 1024)
	go func() {
		defer close(chunks)
		for {
			data := make([]byte, 32*1024)
			n, err := from.Read(data)
			if n > 0 {
				select {
				case chunks <- chunk{data[:n], time.Now().Add(time.Duration(p.delay.Load()))}:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	for c := range chunks {
		if !pause(ctx, time.Until(c.due)) {
			return
		}
		if _, err := to.Write(c.data); err != nil {
			return
		}
	}
}

// slowConnection and cutWay put a way of their own between the suite and the API server.
func slowConnection(ctx context.Context, s *Env) (undo, error) {
	p := &proxy{}
	p.delay.Store(int64(250 * time.Millisecond))
	return s.proxyKubeconfig(ctx, p)
}

func cutConnections(ctx context.Context, s *Env) (undo, error) {
	return s.proxyKubeconfig(ctx, &proxy{life: 5 * time.Second})
}

func (s *Env) proxyKubeconfig(ctx context.Context, p *proxy) (undo, error) {
	config, err := clientcmd.LoadFromFile(s.Kubeconfig)
	if err != nil {
		return nil, err
	}
	for _, c := range config.Clusters {
		server, err := url.Parse(c.Server)
		if err != nil {
			return nil, err
		}
		p.to = server.Host
		// The certificate is good for the address that the kubeconfig names, so only the port may change.
		if err := p.listen(ctx, net.JoinHostPort(server.Hostname(), "0")); err != nil {
			return nil, err
		}
		server.Host = p.listener.Addr().String()
		c.Server = server.String()
	}
	file := filepath.Join(s.Dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		return nil, err
	}
	s.Kubeconfig = file
	return p.close, nil
}

// slowController puts a proxy between kube-controller-manager and the API server that delays what is sent, each way, once the controller acts.
func slowController(delay time.Duration) func(context.Context, *Env) (undo, error) {
	return func(ctx context.Context, s *Env) (undo, error) { return s.slowController(ctx, delay) }
}

func (s *Env) slowController(ctx context.Context, delay time.Duration) (undo, error) {
	gateway, err := s.gateway(ctx)
	if err != nil {
		return nil, err
	}
	config, err := clientcmd.LoadFromFile(s.Kubeconfig)
	if err != nil {
		return nil, err
	}
	p := &proxy{}
	for _, c := range config.Clusters {
		server, err := url.Parse(c.Server)
		if err != nil {
			return nil, err
		}
		p.to = server.Host
	}
	if err := p.listen(ctx, net.JoinHostPort(gateway, "0")); err != nil {
		return nil, err
	}
	back := func(ctx context.Context) error {
		return errors.Join(s.sh(ctx, restoreManager), p.close(ctx), s.AwaitController(ctx))
	}
	err = s.sh(ctx, fmt.Sprintf(redirectManager, p.listener.Addr()))
	if err == nil {
		err = s.AwaitController(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, back(ctx))
	}
	// Its start is a hundred requests one after another: slow ones would keep it away, where it is meant to lag.
	p.delay.Store(int64(delay))
	return back, nil
}

// gateway returns this machine's address in the network of the node.
func (s *Env) gateway(ctx context.Context) (string, error) {
	addresses, err := s.Engine.Output(ctx, "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.Gateway}} {{end}}", s.Node)
	if err != nil {
		return "", err
	}
	fields := strings.Fields(addresses)
	if len(fields) == 0 {
		return "", fmt.Errorf("expected node %s to have a gateway, found none", s.Node)
	}
	return fields[0], nil
}

// redirectManager has kube-controller-manager send its requests to another address; the certificate names that of the node. It holds no lease meanwhile:
// with slow requests it would lose it and end itself, again and again. restoreManager undoes that. Both end when the program has been started anew.
const (
	redirectManager = managerFiles + `mkdir -p "$saved" && cp "$conf" "$manifest" "$saved"
name=$(sed -n 's|^ *server: https://\(.*\):[0-9]*$|\1|p' "$saved/${conf##*/}")
sed -i "s|^\( *\)server: .*|\1server: https://%s\n\1tls-server-name: $name|" "$conf"
sed -i 's|--leader-elect=true|--leader-elect=false|' "$manifest"
await fals[e]`
	restoreManager = managerFiles + `test -e "$saved" || exit 0
cp "$saved/${conf##*/}" "$conf" && cp "$saved/${manifest##*/}" "$manifest" && rm -r "$saved"
await tru[e]`
	managerFiles = `set -e
conf=/etc/kubernetes/controller-manager.conf manifest=/etc/kubernetes/manifests/kube-controller-manager.yaml saved=/etc/kubernetes/controller-manager.saved
await() {
  for i in $(seq 600); do
    grep -qsaz -- "^--leader-elect=$1" $(grep -lsaz '^kube-controller-manager' /proc/[0-9]*/cmdline) && return
    sleep 0.2
  done
  echo "kube-controller-manager was not started again with its new arguments" >&2
  return 1
}
`
)

// busyLoops keeps the processors busy.
func busyLoops(ctx context.Context, _ *Env) (undo, error) {
	ctx, cancel := context.WithCancel(ctx)
	var loops sync.WaitGroup
	for range 2 * runtime.NumCPU() {
		loops.Go(func() {
			for ctx.Err() == nil {
				for range 1_000_000 {
				}
			}
		})
	}
	return func(context.Context) error {
		cancel()
		loops.Wait()
		return nil
	}, nil
}
