import com.sun.net.httpserver.*;
import java.io.FileInputStream;
import java.net.InetSocketAddress;
import java.security.KeyStore;
import java.util.concurrent.Executors;
import javax.net.ssl.*;

/** The app of the matrix, with the HTTP server of the JDK: PORT [KEYSTORE]. */
class Server {
  public static void main(String[] words) throws Exception {
    var address = new InetSocketAddress("127.0.0.1", Integer.parseInt(words[0]));
    HttpServer server = words.length > 1 ? secure(address, words[1]) : HttpServer.create(address, 100);
    server.setExecutor(Executors.newCachedThreadPool());
    server.createContext("/", exchange -> {
      exchange.getRequestBody().readAllBytes();
      String path = exchange.getRequestURI().getPath();
      try {
        if (path.equals("/slow")) Thread.sleep(5000);
      } catch (InterruptedException problem) {
        Thread.currentThread().interrupt();
      }
      byte[] answer = path.equals("/big") ? new byte[200_000] : "ok".getBytes();
      exchange.sendResponseHeaders(200, answer.length);
      exchange.getResponseBody().write(answer);
      exchange.close();
    });
    server.start();
  }

  private static HttpServer secure(InetSocketAddress address, String path) throws Exception {
    var password = "changeit".toCharArray();
    var store = KeyStore.getInstance("PKCS12");
    store.load(new FileInputStream(path), password);
    var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, password);
    var context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), null, null);
    var server = HttpsServer.create(address, 100);
    server.setHttpsConfigurator(new HttpsConfigurator(context));
    return server;
  }
}
