// Starts DynamoDB Local as its own main does, but listening on 127.0.0.1 alone: the server has no option for that and
// would otherwise answer on every interface. Run as a single source file, from the server's folder, with the jar on the
// class path. Ends with status 3 when the port is taken, where the server's own main would stay alive without listening.

import com.amazonaws.services.dynamodbv2.local.main.ServerRunner;
import java.lang.reflect.Field;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

public class Loopback {
    public static void main(String[] arguments) {
        try {
            var local = ServerRunner.createServerFromCommandLineArgs(arguments);
            Field field = local.getClass().getDeclaredField("server");
            field.setAccessible(true);
            for (Connector connector : ((Server) field.get(local)).getConnectors()) {
                ((ServerConnector) connector).setHost("127.0.0.1");
            }
            local.start();
            System.out.println("listening on 127.0.0.1");
        } catch (Throwable why) {
            why.printStackTrace();
            System.exit(3);
        }
    }
}
